import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  catchError,
  defer,
  EMPTY,
  finalize,
  from,
  ignoreElements,
  type Observable,
  type SchedulerLike,
  tap,
} from 'rxjs';
import { sendEvents$ } from './events.ts';
import { type Answer, answerTo, EVENT_STREAM, HEADERS, plain, type RouteDependencies } from './routes.ts';
import { isRebound } from './same-site.ts';

export interface HandleDependencies extends RouteDependencies {
  /** JSON of the newest status, and of each that follows. */
  readonly status$: Observable<string>;
  readonly scheduler: SchedulerLike;
  /** A bug while answering. */
  readonly failed: (path: string, error: unknown) => void;
}

const MOST_LISTENERS = 16;

/** Answers a request; whatever goes wrong ends no more than that answer. */
export function handling(
  deps: HandleDependencies,
): (request: IncomingMessage, response: ServerResponse) => Observable<never> {
  let listeners = 0;
  const listen$ = (response: ServerResponse): Observable<never> =>
    defer(() => {
      listeners += 1;
      response.writeHead(200, { ...HEADERS, 'Content-Type': EVENT_STREAM });
      return sendEvents$(response, deps.status$, deps.scheduler);
    }).pipe(
      catchError((error: unknown) => {
        deps.failed('/events', error);
        return EMPTY;
      }),
      finalize(() => {
        listeners -= 1;
      }),
    );

  return (request, response) => {
    const { method = '', headers, socket } = request;
    const path = (request.url ?? '/').replace(/\?.*$/s, '');
    if (isRebound(socket.localAddress, headers.host)) {
      const text =
        'on the loopback ask for localhost or an address; a proxy before yaim sets the header Host so';
      send(request, response, plain(403, text));
      return EMPTY;
    }
    if (path === '/events' && method === 'GET') {
      if (listeners < MOST_LISTENERS) return listen$(response);
      const refusal = plain(503, `${MOST_LISTENERS} are looking already`);
      send(request, response, { ...refusal, headers: { 'Retry-After': '5' } });
      return EMPTY;
    }
    return defer(() => from(answerTo({ method, path }, deps))).pipe(
      tap((answer) => send(request, response, answer)),
      ignoreElements(),
      catchError((error: unknown) => {
        deps.failed(path, error);
        if (!response.headersSent) send(request, response, plain(500, 'this is a bug; the log has it'));
        return EMPTY;
      }),
    );
  };
}

function send({ method }: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.text);
  response.writeHead(answer.status, {
    ...HEADERS,
    'Content-Type': answer.type,
    'Content-Length': body.length,
    ...answer.headers,
  });
  response.end(method === 'HEAD' ? undefined : body);
}
