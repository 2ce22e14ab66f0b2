import {
  distinctUntilChanged,
  filter,
  ignoreElements,
  map,
  merge,
  type Observable,
  pairwise,
  startWith,
  tap,
} from 'rxjs';
import type { Decision } from '../domain/decision.ts';
import { isProven } from '../domain/session.ts';
import type { Planned } from '../domain/view.ts';
import type { Announced } from '../effects/announce.ts';
import type { Journal, Own } from '../journal.ts';

/** Tells what changed from one view to the next, by whomever. */
export function narrate$(
  journal: Journal,
  streams: {
    readonly decision$: Observable<Decision>;
    readonly planned$: Observable<Planned>;
    readonly own$: Observable<Own>;
    readonly announced$: Observable<Announced>;
  },
): Observable<never> {
  const { decision$, planned$, own$, announced$ } = streams;
  const clusters$ = planned$.pipe(
    map(({ cluster }) => cluster),
    distinctUntilChanged(),
    startWith(null),
    pairwise(),
  );
  const fenced$ = decision$.pipe(
    map(
      ({ view: { session, now } }) => session !== null && session !== 'adopting' && !isProven(session, now),
    ),
    distinctUntilChanged(),
    filter((isFenced) => isFenced),
  );
  const givenUp$ = decision$.pipe(
    map(({ view: { planned, rebalance, settings } }) =>
      rebalance
        ? (planned?.plan.moves ?? []).filter(
            ({ kind, from }) => kind === 'balance' && from === settings.nodename,
          ).length
        : 0,
    ),
    distinctUntilChanged(),
    startWith(0),
    pairwise(),
    filter(([before, moves]) => before === 0 && moves > 0),
  );
  return merge(
    clusters$.pipe(
      tap(([previous, cluster]) => cluster !== null && journal.clusterChanged(previous, cluster)),
    ),
    own$.pipe(
      pairwise(),
      tap(([previous, own]) => journal.ownChanged(previous, own)),
    ),
    announced$.pipe(
      tap(({ address, interface: name, error }) =>
        error === undefined ? journal.announced(address, name) : journal.announceFailed(address, name, error),
      ),
    ),
    fenced$.pipe(tap(journal.fenced)),
    givenUp$.pipe(tap(([, moves]) => journal.rebalancing(moves))),
  ).pipe(ignoreElements());
}
