import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { catchError, mergeMap, Observable, type SchedulerLike, timer } from 'rxjs';
import type { Listen } from '../config/host.ts';

/** An import would ask it for all that it has, and a client for WebSockets takes 50 ms to load. */
const { createServer } = process.getBuiltinModule('node:http');

export interface ServerDependencies {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Observable<never>;
  readonly scheduler: SchedulerLike;
  readonly listening: (url: string) => void;
  /** It cannot listen now; told once for each reason, and tried again. */
  readonly failed: (error: NodeJS.ErrnoException) => void;
}

const MOST_CONNECTIONS = 64;
/** Whoever holds a connection without asking something is let go. */
const PATIENCE_MS = 5000;
/** A port in use may be free again, an address may come back. */
const RETRY_MS = 10_000;

/** Serves until unsubscribed. That it cannot listen ends nothing: it tries again. */
export function httpServer$(listen: Listen, deps: ServerDependencies): Observable<never> {
  let told = '';
  return requests$(listen, (url) => {
    told = '';
    deps.listening(url);
  }).pipe(
    mergeMap(([request, response]) => deps.handle(request, response)),
    catchError((error: NodeJS.ErrnoException, again$) => {
      if (error.syscall === undefined) throw error;
      if (error.message !== told) deps.failed(error);
      told = error.message;
      return timer(RETRY_MS, deps.scheduler).pipe(mergeMap(() => again$));
    }),
  );
}

type Exchange = readonly [IncomingMessage, ServerResponse];

function requests$({ host, port }: Listen, listening: (url: string) => void): Observable<Exchange> {
  return new Observable<Exchange>((subscriber) => {
    const server = createServer({
      maxHeaderSize: 8192,
      headersTimeout: PATIENCE_MS,
      requestTimeout: PATIENCE_MS,
      keepAliveTimeout: PATIENCE_MS,
      connectionsCheckingInterval: PATIENCE_MS,
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.on('request', (request, response) => subscriber.next([request, response]));
    server.on('error', (error) => subscriber.error(error));
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () =>
      listening(urlOf(server.address() as AddressInfo)),
    );
    return () => {
      server.close();
      server.closeAllConnections();
    };
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
}
