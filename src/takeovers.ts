import {
  defer,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  pairwise,
  type SchedulerLike,
  startWith,
} from 'rxjs';
import type { Takeover } from './domain/history.ts';
import type { KernelPlace } from './domain/kernel.ts';
import { type TakeoverEvent, takeoverTracker } from './domain/takeovers.ts';
import type { Planned } from './domain/view.ts';
import type { Announced } from './effects/announce.ts';

export interface TakeoverSources {
  readonly planned$: Observable<Planned>;
  /** Kernel key → address: what this node has on its interfaces. */
  readonly own$: Observable<ReadonlyMap<string, KernelPlace>>;
  readonly announced$: Observable<Announced>;
}

export interface TakeoverClocks {
  readonly scheduler: SchedulerLike;
  /** ISO. */
  readonly wallClock: () => string;
}

/** Every takeover of this node, when its first announcement is out. Only watches: nothing waits for it. */
export function takeovers$(
  { planned$, own$, announced$ }: TakeoverSources,
  nodename: string,
  { scheduler, wallClock }: TakeoverClocks,
): Observable<Takeover> {
  return defer(() => {
    const track = takeoverTracker(nodename);
    const added$ = own$.pipe(
      startWith<ReadonlyMap<string, KernelPlace>>(new Map()),
      pairwise(),
      mergeMap(([before, own]) => [...own].filter(([key]) => !before.has(key))),
      map(([, { address }]): TakeoverEvent => ({ kind: 'added', address })),
    );
    const events$ = merge(
      planned$.pipe(map((planned): TakeoverEvent => ({ kind: 'planned', planned }))),
      added$,
      announced$.pipe(
        map(
          ({ address, error }): TakeoverEvent => ({
            kind: 'announced',
            address,
            succeeded: error === undefined,
          }),
        ),
      ),
    );
    return events$.pipe(mergeMap((event) => from(track(event, { now: scheduler.now(), at: wallClock() }))));
  });
}
