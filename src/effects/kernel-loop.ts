import { from, type Observable, type SchedulerLike, switchMap, timer } from 'rxjs';
import type { KernelAction } from '../domain/action.ts';
import { type Decision, type Echo, kernelActions } from '../domain/decision.ts';
import { type Kernel, kernelKey } from '../domain/kernel.ts';
import type { View } from '../domain/view.ts';
import type { LocalStore } from '../local.ts';
import { awaitEcho, reconcile } from '../reconcile.ts';
import type { KernelOutcome } from './address.ts';

export interface KernelLoopDependencies {
  readonly perform: (
    actions: readonly KernelAction[],
    view: Pick<View, 'session' | 'settings'>,
  ) => Promise<readonly KernelOutcome[]>;
  readonly local: Pick<LocalStore, 'accept' | 'refuse'>;
  readonly scheduler: SchedulerLike;
  /** Asks for a fresh listing: what was seen of the kernel does not fit what it answered. */
  readonly relist: () => void;
  readonly intend: (actions: readonly KernelAction[]) => void;
  readonly failed: (outcome: KernelOutcome) => void;
}

/** After a failed batch the kernel is listed anew first. */
const PAUSE_MS = 20;

/** Puts addresses on interfaces, renews them and takes them off, until the newest decision asks for nothing more. */
export function kernelLoop$(
  deps: KernelLoopDependencies,
  decision$: Observable<Decision>,
): Observable<unknown> {
  return reconcile(decision$, (decision) => {
    const due = kernelActions(decision);
    if (due.length === 0) return undefined;
    deps.intend(due);
    return from(performAll(deps, due, decision.view)).pipe(
      switchMap((echo) =>
        echo === 'failed'
          ? timer(PAUSE_MS, deps.scheduler)
          : awaitEcho(decision$, echo, deps.scheduler, deps.relist),
      ),
    );
  });
}

async function performAll(
  deps: KernelLoopDependencies,
  due: readonly KernelAction[],
  view: View,
): Promise<Echo> {
  const outcomes = await deps.perform(due, view);
  for (const outcome of outcomes) {
    const { action, error } = outcome;
    if (error !== undefined) deps.failed(outcome);
    if (action.kind !== 'add') continue;
    if (error === undefined) deps.local.accept(action.address);
    else deps.local.refuse(action.address, `the kernel refuses it: ${error.message}`);
  }
  const done = outcomes.filter(({ error }) => error === undefined).map(({ action }) => action);
  if (done.length < outcomes.length || outcomes.length === 0) {
    deps.relist();
    return 'failed';
  }
  return (now) => done.every((action) => isEchoed(action, now, view.kernel));
}

function isEchoed(action: KernelAction, { kernel, local }: View, before: Kernel): boolean {
  const key = kernelKey(action);
  const now = kernel.addresses.get(key);
  // With its record: where the kernel's event was read before its answer, it would be taken off once more.
  if (action.kind === 'remove') return now === undefined && !local.recorded.has(key);
  if (action.kind === 'add') return now !== undefined;
  return now === undefined || now.expiresAt !== before.addresses.get(key)?.expiresAt;
}
