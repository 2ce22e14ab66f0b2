import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A relay on a port of its own whose connections can be cut. */
export interface TcpProxy {
  readonly endpoint: string;
  /** Breaks every connection now, with RST; new ones are taken. */
  cut(): void;
  /** Lets so many bytes more from the server through, then breaks everything. */
  cutAfter(bytes: number): void;
  close(): void;
}

export async function startProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;

  const cut = (): void => {
    left = Number.POSITIVE_INFINITY;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  };

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    keep(client);
    keep(upstream);
    client.pipe(upstream);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    upstream.on('data', (chunk: Buffer) => {
      client.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) cut();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${own}`,
    cut,
    cutAfter: (bytes) => {
      left = bytes;
    },
    close: () => {
      server.close();
      cut();
    },
  };
}
