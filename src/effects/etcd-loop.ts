import { from, type Observable, type SchedulerLike, switchMap, timer } from 'rxjs';
import type { Soon } from '../coalesce.ts';
import type { Claim, EtcdAction } from '../domain/action.ts';
import { type Decision, type Echo, nextEtcdAction } from '../domain/decision.ts';
import { kernelKey } from '../domain/kernel.ts';
import type { View } from '../domain/view.ts';
import { EtcdError } from '../etcd/api.ts';
import type { LocalStore } from '../local.ts';
import { awaitEcho, reconcile } from '../reconcile.ts';
import type { Written } from './mark.ts';

export interface EtcdLoopDependencies {
  readonly perform: (action: EtcdAction) => Promise<readonly Written[]>;
  readonly local: Pick<LocalStore, 'sendReleases' | 'expect'>;
  readonly soon: Soon;
  readonly scheduler: SchedulerLike;
  readonly retryAfterMs: () => number;
  readonly written: (action: EtcdAction, durationMs: number) => void;
  readonly failed: (action: EtcdAction, error: EtcdError) => void;
}

/** Writes to etcd, one action after the other, until the newest decision asks for nothing more. */
export function etcdLoop$(deps: EtcdLoopDependencies, decision$: Observable<Decision>): Observable<unknown> {
  return reconcile(decision$, (decision) => {
    const action = nextEtcdAction(decision);
    if (action === undefined) return undefined;
    return from(perform(deps, action, decision.view)).pipe(
      switchMap((echo) =>
        echo === 'failed'
          ? timer(deps.retryAfterMs(), deps.scheduler)
          : awaitEcho(decision$, echo, deps.scheduler),
      ),
    );
  });
}

async function perform(deps: EtcdLoopDependencies, action: EtcdAction, view: View): Promise<Echo> {
  const startedAt = deps.scheduler.now();
  if (action.kind === 'release') deps.local.sendReleases(action.releases);
  try {
    const performed = deps.perform(action);
    // While etcd works. What is claimed is recorded before it is added, which would wait for that.
    if (action.kind === 'claim') deps.soon(() => deps.local.expect(action.claims.map(placeOf)));
    const written = await performed;
    if (written.every(({ succeeded }) => succeeded)) {
      deps.written(action, deps.scheduler.now() - startedAt);
      const revision = Math.max(...written.map((result) => result.revision));
      return ({ planned }) => (planned?.cluster.revision ?? 0) >= revision;
    }
    // A condition failed: nothing was written. The watch shows why; then it is decided anew. A release stays sent: the
    // view may be older than the success of an earlier try, and then our guard, which it still shows, is gone.
    return ({ planned }) => planned?.cluster !== view.planned?.cluster;
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    deps.failed(action, error);
    return 'failed';
  }
}

function placeOf({ address, placement }: Claim): string {
  return kernelKey({ address, ...placement });
}
