import {
  catchError,
  concat,
  defer,
  EMPTY,
  expand,
  ignoreElements,
  map,
  merge,
  type Observable,
  of,
  repeat,
  switchMap,
  takeWhile,
  timer,
} from 'rxjs';
import type { LeaseId } from '../domain/cluster.ts';
import { proofPeriodMs, type Session } from '../domain/session.ts';
import { EtcdError } from '../etcd/api.ts';
import type { LeaseChangeDependencies } from './lease-change.ts';
import { onDemand } from './on-demand.ts';
import { type Established, establisher } from './session-lease.ts';
import { type LeaseOptions, prove, SessionLost } from './session-proof.ts';

export type SessionEvent =
  | Established
  | { readonly kind: 'proven'; readonly session: Session }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'unproven'; readonly reason: string };

export interface SessionDependencies extends LeaseChangeDependencies {
  /** Emits when something suggests that the session ended: it is proven at once instead of at the next period. */
  readonly doubts$: Observable<unknown>;
  /** Emits when etcd refused to take back what hangs on the lease: only the lease's end frees it for others. */
  readonly barred$?: Observable<unknown>;
}

export interface SessionOptions extends LeaseOptions {
  readonly retryAfterMs: () => number;
  /** Leases that the previous run on this machine left, if they may still live. */
  readonly previousLeases?: readonly LeaseId[];
}

/** A proof that failed is tried again after this: a cluster that has its new leader answers at once. */
const RETRY_MS = 100;

/**
 * One lease for everything this node has in etcd, kept alive and PROVEN: a keepalive's acknowledgement alone proves
 * nothing, since a stalled or deposed leader goes on acknowledging (etcd issues 15247 and 12528). The proof is an
 * acknowledgement and then a linearizable read of this node's session key, on our lease, answered in the same raft
 * term. Starts anew for ever; an etcd that does not answer is no loss as long as the lease may still be there.
 */
export function session$(deps: SessionDependencies, options: SessionOptions): Observable<SessionEvent> {
  return defer(() => {
    const establish = establisher(deps, options, options.previousLeases);
    const pause$ = timer(Math.max(RETRY_MS, options.retryAfterMs()), deps.scheduler).pipe(ignoreElements());

    return defer(establish).pipe(
      switchMap((first) => {
        const then$ = first.kind === 'started' ? proofs$(deps, options, first.session) : pause$;
        return concat(of<SessionEvent>(first), then$);
      }),
      catchError((error: unknown) => concat(of(unproven(error)), pause$)),
      repeat(),
    );
  });
}

/**
 * Proves the session every period and in doubt, one proof at a time; what comes during a proof means another one
 * after it, since the read of that one may have been too early. Ends when the session is lost; failing to prove is
 * not losing.
 */
function proofs$(
  deps: SessionDependencies,
  options: SessionOptions,
  session: Session,
): Observable<SessionEvent> {
  const { scheduler, doubts$, barred$ = EMPTY } = deps;
  const period = proofPeriodMs(session.ttlMs);
  const newest = { revision: 0 };
  const attempt = (prepare: () => Promise<unknown>): Observable<SessionEvent> =>
    defer(async () => {
      await prepare();
      return prove(deps, options, session, newest);
    }).pipe(
      map((provenUntil): SessionEvent => ({ kind: 'proven', session: { ...session, provenUntil } })),
      catchError((error: unknown) => of(error instanceof SessionLost ? lost(error) : unproven(error))),
    );
  // What etcd does not let us read cannot be proven, but would be renewed: the others could never take over. (etcd
  // asks for no rights to keep a lease alive.)
  const readable = () => deps.etcd.range(deps.keys.session(options.nodename));
  const retry$ = timer(RETRY_MS, scheduler).pipe(switchMap(() => attempt(readable)));
  const untilKnown$ = attempt(async () => {}).pipe(
    expand(({ kind }) => (kind === 'unproven' ? retry$ : EMPTY)),
  );
  const proven$ = onDemand(merge(timer(period, period, scheduler), doubts$), untilKnown$);
  const given$ = barred$.pipe(
    map(() => lost(new SessionLost('etcd refuses to take back what is on the lease: it is left to its end'))),
  );
  return merge(proven$, given$).pipe(takeWhile(({ kind }) => kind !== 'lost', true));
}

function lost({ message }: SessionLost): SessionEvent {
  return { kind: 'lost', reason: message };
}

/** @throws what is no failure of etcd */
function unproven(error: unknown): SessionEvent {
  if (error instanceof EtcdError) return { kind: 'unproven', reason: error.message };
  throw error;
}
