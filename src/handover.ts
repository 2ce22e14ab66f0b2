import { defer, ignoreElements, type Observable, retry, take, takeUntil, tap, throwError, timer } from 'rxjs';
import type { Session } from './domain/session.ts';
import { formatSession, parseSession } from './domain/values.ts';
import { EtcdError } from './etcd/api.ts';
import { type Changed, changeLease, type LeaseChangeDependencies } from './streams/lease-change.ts';

export interface HandoverDependencies extends LeaseChangeDependencies {
  readonly handedOver: (changed: Changed) => void;
  /** Nothing, or not everything, is there for longer than it would have been anyway. */
  readonly handoverFailed: (error: unknown) => void;
}

/** Of a stop with `keep` nobody expects that it takes longer. */
const HANDOVER_MS = 3000;
const RETRY_MS = 100;
/** A shorter lease leaves no room for lifetimes; `ttl` is no shorter, either. */
const SHORTEST_MS = 3000;

/**
 * Leaves everything to the next run for `handoverMs`: the keys on a lease of that length, then the addresses with
 * lifetimes that end before it can. Nobody renews either: if no run comes, first the kernel takes the addresses off,
 * then etcd frees them. The same if this fails or is broken off anywhere, only sooner. Completes, in any case.
 */
export function handover$(
  deps: HandoverDependencies,
  { nodename, handoverMs }: { readonly nodename: string; readonly handoverMs: number },
  { leaseId, instance }: Session,
): Observable<never> {
  const { scheduler, setLifetimes, saveLeases, handedOver, handoverFailed } = deps;
  const ttlMs = Math.ceil(Math.max(SHORTEST_MS, handoverMs) / 1000) * 1000;
  const away = (before: string): string => formatSession({ ...parseSession(before), away: true });
  const change = { nodename, instance, ttlMs, sessionText: away };
  const ours = new Set([leaseId]);
  const handOver = async (): Promise<void> => {
    const changed = await changeLease(deps, change, ours);
    if (changed === undefined) return handoverFailed('its session is over');
    saveLeases([changed.session.leaseId]);
    await setLifetimes(changed.held, changed.session);
    handedOver(changed);
  };
  let lastError: unknown = `etcd did not do it within ${HANDOVER_MS} ms`;
  return defer(handOver).pipe(
    retry({
      delay: (error: unknown) => {
        if (!(error instanceof EtcdError)) return throwError(() => error);
        lastError = error;
        return timer(RETRY_MS, scheduler);
      },
    }),
    takeUntil(
      timer(HANDOVER_MS, scheduler).pipe(
        take(1),
        tap(() => handoverFailed(lastError)),
      ),
    ),
    ignoreElements(),
  );
}
