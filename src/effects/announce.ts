import {
  catchError,
  defer,
  filter,
  from,
  merge,
  mergeMap,
  type Observable,
  of,
  pairwise,
  type SchedulerLike,
  startWith,
  takeUntil,
  timer,
} from 'rxjs';
import type { Address } from '../domain/address.ts';
import type { KernelPlace } from '../domain/kernel.ts';

/** Tells the neighbours where an address is: gratuitous ARP request and reply, or an unsolicited NA. */
export type Announcer = (address: Address, interfaceName: string) => Promise<void>;

export interface AnnounceDependencies {
  readonly announcer: Announcer;
  readonly scheduler: SchedulerLike;
}

/** The first announcement of an address is out, or one failed. */
export interface Announced {
  readonly address: Address;
  readonly interface: string;
  readonly error: unknown;
}

/** Several at once, since frames get lost; again while switches learn; then now and then, since they forget. */
const MOMENTS_MS: readonly number[] = [0, 20, 100, 500, 2000, 5000];
const REFRESH_MS = 60_000;

type Own = ReadonlyMap<string, KernelPlace>;

/** Announces each address from the moment the kernel has it until the kernel has it no more. */
export function announcements$(own$: Observable<Own>, deps: AnnounceDependencies): Observable<Announced> {
  return own$.pipe(
    startWith<Own>(new Map()),
    pairwise(),
    mergeMap(([before, own]) => [...own].filter(([key]) => !before.has(key))),
    mergeMap(([key, entry]) =>
      announce$(entry, deps).pipe(takeUntil(own$.pipe(filter((own) => !own.has(key))))),
    ),
  );
}

function announce$(
  { address, interface: name }: KernelPlace,
  { announcer, scheduler }: AnnounceDependencies,
): Observable<Announced> {
  let isFirst = true;
  const once$ = defer(() => announcer(address, name)).pipe(
    mergeMap(() => {
      const told = isFirst ? [{ address, interface: name, error: undefined }] : [];
      isFirst = false;
      return told;
    }),
    catchError((error: unknown) => of({ address, interface: name, error })),
  );
  const moments$ = merge(
    from(MOMENTS_MS).pipe(mergeMap((delayMs) => (delayMs === 0 ? [0] : timer(delayMs, scheduler)))),
    timer(REFRESH_MS, REFRESH_MS, scheduler),
  );
  return moments$.pipe(mergeMap(() => once$));
}
