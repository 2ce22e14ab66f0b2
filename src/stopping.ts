import {
  concat,
  defer,
  EMPTY,
  first,
  from,
  ignoreElements,
  type Observable,
  type SchedulerLike,
  switchMap,
  take,
  timeout,
} from 'rxjs';
import type { Decision } from './domain/decision.ts';
import { ownByKey } from './domain/own.ts';
import type { Etcd } from './etcd/api.ts';

export interface GoodbyeDependencies {
  readonly etcd: Pick<Etcd, 'revoke'>;
  readonly scheduler: SchedulerLike;
  readonly saveLeases: (leaseIds: readonly string[]) => void;
  readonly revokeFailed: (error: unknown) => void;
  /** The lease is about to be revoked: that it is gone after that is no loss. */
  readonly leaving: () => void;
}

/** Addresses are off within milliseconds; longer than this, and the kernel hangs. */
const OFF_MS = 1500;
/** How long etcd may take to accept what is given back. Addresses are off before that. */
const GIVEN_BACK_MS = 1500;
/** How long others may take for what is free now. The end of the lease, a write like theirs, would be in front of them. */
const TAKEN_MS = 100;

/**
 * From a decision with `stopping` to the end, in less than 5 s whatever etcd does: first every address is off the
 * interface, then everything in etcd is given back, then the lease is revoked. Completes; errors when an address
 * could not be taken off.
 */
export function goodbye$(deps: GoodbyeDependencies, decision$: Observable<Decision>): Observable<never> {
  const { scheduler } = deps;
  const off$ = decision$.pipe(
    first(({ view }) => ownByKey(view).size === 0),
    timeout({ first: OFF_MS, scheduler }),
  );
  const givenBack$ = decision$.pipe(
    first(isGivenBack),
    timeout({ first: GIVEN_BACK_MS, scheduler, with: () => EMPTY }),
  );
  const taken$ = decision$.pipe(first(isTaken), timeout({ first: TAKEN_MS, scheduler, with: () => EMPTY }));
  const revoked$ = decision$.pipe(
    take(1),
    switchMap(({ view: { session } }) =>
      session === null || session === 'adopting' ? EMPTY : defer(() => from(revoke(deps, session.leaseId))),
    ),
  );
  // Once more at the end: an address whose adding was under way at the stop shows up after the first look.
  return concat(off$, givenBack$, taken$, off$, revoked$).pipe(ignoreElements());
}

async function revoke(
  { etcd, saveLeases, revokeFailed, leaving }: GoodbyeDependencies,
  leaseId: string,
): Promise<void> {
  leaving();
  try {
    await etcd.revoke(leaseId);
  } catch (error) {
    // It ends by itself.
    revokeFailed(error);
  }
  saveLeases([]);
}

/** Whether nothing is free that somebody should have. */
function isTaken({ view: { planned } }: Decision): boolean {
  if (planned === null) return true;
  const { plan, cluster } = planned;
  return !plan.moves.some(({ address, to }) => to !== null && !cluster.guards.has(address));
}

/** Whether nothing of this node is left in etcd but its session. */
function isGivenBack({ view: { planned, session, settings } }: Decision): boolean {
  if (planned === null || session === null || session === 'adopting') return true;
  const { marks, guards, nodes } = planned.cluster;
  const isOurs = (entry: { readonly leaseId: string } | undefined): boolean =>
    entry?.leaseId === session.leaseId;
  return !isOurs(nodes.get(settings.nodename)) && ![...marks.values(), ...guards.values()].some(isOurs);
}
