import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/** What Node does not offer of libc, called through koffi: above all, sockets of other families. */

export const AF = { unix: 1, netlink: 16, packet: 17 } as const;
export const SOCK = { datagram: 2, raw: 3 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const EAGAIN = 'EAGAIN';

/**
 * The socket itself never blocks. The kernel may all the same take its time for what it does within a call: `send` and
 * `receive` wait in a thread of their own, the others hold everything up. All throw SystemError.
 */
export interface RawSocket {
  readonly descriptor: number;
  readonly bind: (address: Buffer) => void;
  readonly setOption: (level: number, name: number, value: number) => void;
  readonly send: (data: Buffer, to: Buffer) => Promise<void>;
  readonly sendNow: (data: Buffer, to: Buffer) => void;
  /** Fills the buffer with the next datagram and answers its length; undefined when none has come. */
  readonly receive: (into: Buffer) => Promise<number | undefined>;
  readonly receiveNow: (into: Buffer) => number | undefined;
  readonly close: () => void;
}

/** What libc's functions answer with −1, by its name (EPERM …). */
export class SystemError extends Error {
  readonly code: string;

  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.code = code;
  }
}

/** What went wrong, in a word where libc said it. */
export function reasonOf(error: unknown): string {
  return error instanceof SystemError ? error.code : String(error);
}

/** @throws SystemError */
export function openSocket(family: number, type: number, protocol: number): RawSocket {
  const { socket, bind, setsockopt, sendto, recv, close } = libc();
  const descriptor = checked('socket', socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  const received = (length: number | bigint): number | undefined =>
    length < 0 && lastError() === EAGAIN ? undefined : checked('recv', length);
  return {
    descriptor,
    bind: (address) => void checked('bind', bind(descriptor, address, address.length)),
    setOption: (level, name, value) => {
      const data = Buffer.alloc(4);
      data.writeInt32LE(value);
      checked('setsockopt', setsockopt(descriptor, level, name, data, data.length));
    },
    send: async (data, to) => {
      const args = [descriptor, data, data.length, 0, to, to.length];
      await inThread(sendto, args, (result) => checked('sendto', result));
    },
    sendNow: (data, to) => void checked('sendto', sendto(descriptor, data, data.length, 0, to, to.length)),
    receive: (into) => inThread(recv, [descriptor, into, into.length, 0], received),
    receiveNow: (into) => received(recv(descriptor, into, into.length, 0)),
    close: () => void close(descriptor),
  };
}

/** Calls back whenever there is something to receive, until what it answers is called: before the socket is closed. */
export function whenReadable({ descriptor }: Pick<RawSocket, 'descriptor'>, call: () => void): () => void {
  const handle = koffi.node.poll(descriptor, { readable: true }, call);
  return () => handle.close();
}

/** What is free in libc's heaps goes back to the kernel. */
export function returnFreeMemory(): void {
  libc().trim(0);
}

/** The errno of a call is known only until the next one: `read` is called at once. */
function inThread<T>(
  called: ReturnType<ReturnType<typeof koffi.load>['func']>,
  args: readonly unknown[],
  read: (result: number | bigint) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    called.async(...args, (error: unknown, result: number | bigint) => {
      if (error) {
        reject(error);
        return;
      }
      try {
        resolve(read(result));
      } catch (failure) {
        reject(failure);
      }
    });
  });
}

function checked(call: string, result: number | bigint): number {
  if (result < 0) throw new SystemError(call, lastError());
  return Number(result);
}

function lastError(): string {
  return getSystemErrorName(-koffi.errno());
}

let loaded: ReturnType<typeof load> | undefined;

function libc(): ReturnType<typeof load> {
  loaded ??= load();
  return loaded;
}

function load() {
  const library = koffi.load('libc.so.6');
  return {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    bind: library.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)',
    ),
    sendto: library.func(
      'int64_t sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *to, uint32_t toLength)',
    ),
    recv: library.func('int64_t recv(int fd, uint8_t *data, size_t length, int flags)'),
    close: library.func('int close(int fd)'),
    trim: library.func('int malloc_trim(size_t pad)'),
  };
}
