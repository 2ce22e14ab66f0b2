import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { DatabaseError } from 'pg';
import type { ProbeTarget } from './database-target.ts';

/** What a session is about: to reach the server, to be let in, to be answered (or to stand idle). */
export type Stage = 'reaching' | 'entering' | 'asking';

/** The sentence, without its end, for a server that does not say anything at this stage: "… within 1000 ms". */
export function silenceOf(target: ProbeTarget, stage: Stage, question: string): string {
  const server = serverOf(target);
  switch (stage) {
    case 'reaching':
      return `${server} took no connection`;
    case 'entering':
      return `${server} accepted the connection but did not let user ${target.user} in`;
    case 'asking':
      return `${server} let user ${target.user} in but did not answer ${question}`;
  }
}

/** What went wrong at this stage, as a sentence for an operator, with its cause. */
export function failureOf(target: ProbeTarget, stage: Stage, cause: Error, question?: string): Error {
  if (cause instanceof Told) return cause;
  return new Told(sentenceOf(target, stage, cause, question), { cause });
}

/** An error whose message is such a sentence already. */
class Told extends Error {}

function sentenceOf(target: ProbeTarget, stage: Stage, cause: Error, question?: string): string {
  const server = serverOf(target);
  const what = whatOf(cause);
  switch (stage) {
    case 'reaching':
      return `${server} cannot be reached: ${what}`;
    case 'entering':
      return cause instanceof DatabaseError
        ? `${server} refused user ${target.user}: ${what}`
        : `${server}: login of user ${target.user} failed: ${what}`;
    case 'asking':
      return question !== undefined && cause instanceof DatabaseError
        ? `${server} answered ${question} with an error: ${what}`
        : `${server} broke the connection of user ${target.user}: ${what}`;
  }
}

function serverOf({ address, port, name }: ProbeTarget): string {
  const kind = name === 'pgbouncer' ? name : `database ${name}`;
  if (address.startsWith('/')) return `${kind} at ${join(address, `.s.PGSQL.${port}`)}`;
  return `${kind} at ${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/** `connection refused (ECONNREFUSED)`, `database "app" does not exist (3D000)`. */
function whatOf(cause: Error): string {
  // A host name with several addresses fails once for each, under a message that is empty.
  const error = cause instanceof AggregateError && cause.errors[0] instanceof Error ? cause.errors[0] : cause;
  if (error instanceof DatabaseError) {
    const hint = HINTS[error.message];
    return `${error.message} (${error.code})${hint === undefined ? '' : `: ${hint}`}`;
  }
  const { errno, code, path, message } = error as NodeJS.ErrnoException;
  if (errno === undefined) return message;
  return `${path === undefined ? '' : `${path}: `}${getSystemErrorMap().get(errno)?.[1] ?? 'failed'} (${code})`;
}

/** What pgbouncer means by messages that say too little. */
const HINTS: Readonly<Record<string, string>> = {
  'SASL authentication failed': 'wrong password, or no such user',
  'not allowed': "the console is for pgbouncer's admin_users and stats_users",
};
