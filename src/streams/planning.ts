import { defer, EMPTY, expand, map, type Observable, of, type SchedulerLike, switchMap, timer } from 'rxjs';
import type { Cluster } from '../domain/cluster.ts';
import { nextPlanning, type Planning, type PlanningOptions } from '../domain/planning.ts';

/** A plan for each change of the cluster, and again when somebody has had long enough to do his part. */
export function planning$(
  cluster$: Observable<{ readonly cluster: Cluster; readonly restored: boolean }>,
  scheduler: SchedulerLike,
  options: () => PlanningOptions,
): Observable<Planning> {
  return defer(() => {
    let planning: Planning | null = null;
    const step = (followed: { readonly cluster: Cluster; readonly restored: boolean }): Planning => {
      planning = nextPlanning(planning, followed, scheduler.now(), options());
      return planning;
    };
    return cluster$.pipe(
      switchMap((followed) =>
        defer(() => of(step(followed))).pipe(
          expand(({ wakeAt, cluster }) =>
            wakeAt === Infinity
              ? EMPTY
              : timer(Math.max(1, wakeAt - scheduler.now()), scheduler).pipe(
                  map(() => step({ cluster, restored: false })),
                ),
          ),
        ),
      ),
    );
  });
}
