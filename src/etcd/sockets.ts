import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** The TCP connections of one endpoint. */
export interface Sockets {
  /** What is opened by this work, now or later, belongs to the endpoint. */
  readonly opening: <T>(work: () => T) => T;
  /** Soon, when etcd3 has let go of them. */
  readonly destroy: () => void;
}

/** A closed etcd3 still waits for a second for what was connecting; a connection that broke then would be replaced. */
const LETTING_GO_MS = 1200;

type Opened = (socket: Socket) => void;

const opener = new AsyncLocalStorage<Opened>();

subscribe('net.client.socket', (message) =>
  opener.getStore()?.((message as { readonly socket: Socket }).socket),
);

/**
 * grpc-js never closes a connection whose peer accepted it and then kept silent (a stopped member, a half-open cut):
 * each try would leave one behind, and there may be one a second for hours.
 */
export function socketsOf(endpoint: string): Sockets {
  const port = Number(/:(\d+)\/*$/.exec(endpoint)?.[1] ?? 2379);
  const sockets = new Set<Socket>();
  const end = (socket: Socket): void => {
    if (socket.connecting || socket.remotePort === port) socket.destroy();
  };
  const opened: Opened = (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  return {
    opening: (work) => opener.run(opened, work),
    destroy: () => {
      setTimeout(() => [...sockets].forEach(end), LETTING_GO_MS).unref();
    },
  };
}
