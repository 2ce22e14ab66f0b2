import type { Client } from 'pg';
import { catchError, concat, defer, filter, map, type Observable, switchMap, takeWhile, tap } from 'rxjs';
import { failureOf, silenceOf } from './database-failure.ts';
import { session$ } from './database-session.ts';
import type { ProbeTarget } from './database-target.ts';
import type { Answer, Probe, Sentinel } from './health.ts';

/** Logs in, asks one question, says goodbye: what a user of the database does, so that "healthy" means usable. */
export function databaseProbe(target: ProbeTarget): Probe {
  const question = questionOf(target);
  return () =>
    session$(target).pipe(
      switchMap(({ stage, client }) =>
        concat(
          [silenceOf(target, stage, question)],
          client === undefined ? [] : ask$(target, client, question),
        ),
      ),
      takeWhile((said) => typeof said === 'string', true),
    );
}

/**
 * Logs in and stays idle: through pgbouncer without a server connection of its own. The kernel closes it in the moment
 * that the server's process ends; a server that is hung or cut off is found by the checks.
 */
export function databaseSentinel(target: ProbeTarget): Sentinel {
  return () =>
    session$(target).pipe(
      filter(({ client }) => client !== undefined),
      map(() => undefined),
    );
}

/** One question for health and role, so that they are never of two moments. Both go by the simple query protocol, as pg does for a text without values: the admin console knows no other. */
function questionOf({ name }: ProbeTarget): string {
  return name === 'pgbouncer' ? 'SHOW VERSION' : 'SELECT datname, pg_is_in_recovery() FROM pg_database';
}

/** Ends with the answer when all of it is there. */
function ask$(target: ProbeTarget, client: Client, question: string): Observable<Answer> {
  return defer(() => client.query<Row>(question)).pipe(
    // The goodbye is in the kernel when this returns; without it the server's log complains about each check.
    tap(() => client.connection.end()),
    map(({ rows }) => answerIn(rows)),
    catchError((error: Error) => {
      throw failureOf(target, 'asking', error, question);
    }),
  );
}

interface Row {
  readonly pg_is_in_recovery?: unknown;
}

/** The admin console cannot tell what the servers behind it are, and neither can what only looks like PostgreSQL. */
function answerIn([row]: readonly Row[]): Answer {
  const isInRecovery = row?.pg_is_in_recovery;
  if (typeof isInRecovery !== 'boolean') return {};
  return { role: isInRecovery ? 'standby' : 'primary' };
}
