import { setTimeout as delay } from 'node:timers/promises';
import koffi from 'koffi';

/** A Unix datagram socket that listens, as systemd's does. */
export interface DatagramSocket {
  /** What has come by now, oldest first. */
  readonly received: () => readonly string[];
  /** Resolves when a message that begins so has come, as the `from`th or later. */
  readonly until: (beginning: string, from?: number) => Promise<string>;
  readonly close: () => void;
}

/** A safety net, for what never comes. */
const PATIENCE_MS = 20_000;
const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000 | 0o2000000;

/** @param name an absolute path, or an abstract name that begins with @ */
export function datagramSocket(name: string): DatagramSocket {
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const bind = libc.func('int bind(int fd, const uint8_t *address, uint32_t length)');
  const recv = libc.func('int64_t recv(int fd, _Out_ uint8_t *data, size_t length, int flags)');
  const closeDescriptor = libc.func('int close(int fd)');
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(name.replace(/^@/, '\0'))]);
  const descriptor: number = socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0);
  if (bind(descriptor, address, address.length) < 0) throw new Error(`cannot listen on ${name}`);
  const messages: string[] = [];
  const data = Buffer.alloc(4096);

  const received = (): readonly string[] => {
    for (;;) {
      const length = Number(recv(descriptor, data, data.length, 0));
      if (length < 0) return messages;
      messages.push(data.toString('utf8', 0, length));
    }
  };
  return {
    received,
    until: async (beginning, from = 0) => {
      for (const limit = performance.now() + PATIENCE_MS; performance.now() < limit; await delay(5)) {
        const found = received()
          .slice(from)
          .find((message) => message.startsWith(beginning));
        if (found !== undefined) return found;
      }
      throw new Error(`no ${beginning} within ${PATIENCE_MS} ms, but ${JSON.stringify(messages)}`);
    },
    close: () => closeDescriptor(descriptor),
  };
}
