import type { Socket } from 'node:net';
import { Client } from 'pg';
import { catchError, defer, map, Observable, startWith, switchMap, tap } from 'rxjs';
import { failureOf, type Stage } from './database-failure.ts';
import { negotiated$, opened$ } from './database-socket.ts';
import type { ProbeTarget } from './database-target.ts';

/** How far a session has got; `client` as soon as the server has let it in. */
export interface Session {
  readonly stage: Stage;
  readonly client?: Client;
}

/**
 * Opens a session and holds it: emits each stage as it begins, errors when the session breaks, never completes.
 * Unsubscribing destroys its socket at once, whatever the server does: pg's own end() waits for a hung one.
 */
export function session$(target: ProbeTarget): Observable<Session> {
  return defer(() => {
    let stage: Stage = 'reaching';
    return opened$(target).pipe(
      switchMap((socket) =>
        negotiated$(target, socket).pipe(
          switchMap((ready) => login$(target, ready)),
          map((client): Session => ({ stage: 'asking', client })),
          startWith<Session>({ stage: 'entering' }),
        ),
      ),
      startWith<Session>({ stage }),
      tap((session) => {
        stage = session.stage;
      }),
      catchError((error: Error) => {
        throw failureOf(target, stage, error);
      }),
    );
  });
}

function login$(target: ProbeTarget, socket: Socket): Observable<Client> {
  return new Observable((subscriber) => {
    const client = clientOf(target, socket);
    // An idle client reports its end here, and so does one whose connection breaks while a question is open.
    client.on('error', (error) => subscriber.error(error));
    client.connect((error: Error | null) => {
      if (error) subscriber.error(error);
      else subscriber.next(client);
    });
  });
}

/**
 * pg fills every gap in its settings from the environment, an empty password even from ~/.pgpass. A function is no gap;
 * and the startup message, where PGOPTIONS and PGREPLICATION would go, is written here.
 */
function clientOf(target: ProbeTarget, socket: Socket): Client {
  const { address, port, user, password, name, applicationName = 'yaim', options } = target;
  const client = new Client({
    host: address,
    port,
    user,
    database: name,
    password: () => (password ? Promise.resolve(password) : Promise.reject(new Error(NO_PASSWORD))),
    // TLS is negotiated already, so that pg is given a plain stream.
    ssl: false,
    sslnegotiation: 'postgres',
    stream: () => connected(socket),
  });
  const startup = { user, database: name, application_name: applicationName, ...(options && { options }) };
  return Object.assign(client, { getStartupConf: () => startup });
}

const NO_PASSWORD = 'it asks for a password, and none is configured';

/** pg connects its stream itself: one that is connected answers that it is. */
function connected(socket: Socket): Socket {
  return Object.assign(socket, {
    connect: () => {
      process.nextTick(() => socket.emit('connect'));
      return socket;
    },
  });
}
