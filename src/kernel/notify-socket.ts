import { AF, openSocket, reasonOf, SOCK } from './libc.ts';

/** Tells whoever supervises this process (sd_notify(3)); throws what the kernel says. */
export type Notify = (text: string) => void;

/** `sun_path` of unix(7). */
const LONGEST_PATH = 107;

/**
 * Datagrams to the socket that `NOTIFY_SOCKET` names: an absolute path, or an abstract name that begins with @. A
 * supervisor that does not read must not hold the agent up: the socket does not block.
 */
export function notifySocket(name: string): Notify {
  const to = unixAddress(name);
  const named = <T>(call: () => T): T => {
    try {
      return call();
    } catch (error) {
      throw new Error(`NOTIFY_SOCKET ${name}: ${reasonOf(error)}`);
    }
  };
  const socket = named(() => openSocket(AF.unix, SOCK.datagram, 0));
  return (text) => named(() => socket.sendNow(Buffer.from(text), to));
}

/** `struct sockaddr_un`. */
function unixAddress(name: string): Buffer {
  const path = Buffer.from(name);
  if ((name[0] !== '/' && name[0] !== '@') || path.length > LONGEST_PATH)
    throw new Error(`NOTIFY_SOCKET ${name}: must be an absolute path or begin with @`);
  const isAbstract = name[0] === '@';
  if (isAbstract) path[0] = 0;
  const address = Buffer.alloc(2 + path.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF.unix, 0);
  path.copy(address, 2);
  return address;
}
