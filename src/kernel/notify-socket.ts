import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/** Tells whoever supervises this process (sd_notify(3)); throws what the kernel says. */
export type Notify = (text: string) => void;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
/** `sun_path` of unix(7). */
const LONGEST_PATH = 107;

/**
 * Datagrams to the socket that `NOTIFY_SOCKET` names: an absolute path, or an abstract name that begins with @. Node has
 * no such sockets: libc's are called through koffi. A supervisor that does not read must not hold the agent up, so the
 * socket does not block.
 */
export function notifySocket(name: string): Notify {
  const to = unixAddress(name);
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func(
    'int64_t sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *to, uint32_t toLength)',
  );
  const fail = (): never => {
    throw new Error(`NOTIFY_SOCKET ${name}: ${getSystemErrorName(-koffi.errno())}`);
  };
  const descriptor: number = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) fail();
  return (text) => {
    const data = Buffer.from(text);
    if (sendto(descriptor, data, data.length, 0, to, to.length) < 0) fail();
  };
}

/** `struct sockaddr_un`. */
function unixAddress(name: string): Buffer {
  const path = Buffer.from(name);
  if ((name[0] !== '/' && name[0] !== '@') || path.length > LONGEST_PATH)
    throw new Error(`NOTIFY_SOCKET ${name}: must be an absolute path or begin with @`);
  const isAbstract = name[0] === '@';
  if (isAbstract) path[0] = 0;
  const address = Buffer.alloc(2 + path.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  path.copy(address, 2);
  return address;
}
