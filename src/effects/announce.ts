import {
  catchError,
  defer,
  filter,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  pairwise,
  type SchedulerLike,
  startWith,
  takeWhile,
  tap,
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

/** What came at one moment is announced together: a thousand addresses are a handful of timers. */
interface Batch {
  readonly places: ReadonlyMap<string, KernelPlace>;
  /** Keys of those whose first announcement is out. */
  readonly told: Set<string>;
}

/** Announces each address from the moment the kernel has it until the kernel has it no more. */
export function announcements$(
  own$: Observable<Own>,
  { announcer, scheduler }: AnnounceDependencies,
): Observable<Announced> {
  return defer(() => {
    /** Of each address that the kernel has, the batch with which it came. */
    const batches = new Map<string, Batch>();
    const dueOf = (batch: Batch) => [...batch.places].filter(([key]) => batches.get(key) === batch);
    const announce$ = (
      key: string,
      { address, interface: name }: KernelPlace,
      { told }: Batch,
    ): Observable<Announced> =>
      defer(() => announcer(address, name)).pipe(
        filter(() => !told.has(key)),
        tap(() => told.add(key)),
        map(() => ({ address, interface: name, error: undefined })),
        catchError((error: unknown) => of({ address, interface: name, error })),
      );
    return own$.pipe(
      startWith<Own>(new Map()),
      pairwise(),
      map(([before, own]): Batch => {
        for (const key of before.keys()) if (!own.has(key)) batches.delete(key);
        const batch = {
          places: new Map([...own].filter(([key]) => !before.has(key))),
          told: new Set<string>(),
        };
        for (const key of batch.places.keys()) batches.set(key, batch);
        return batch;
      }),
      mergeMap((batch) =>
        moments$(scheduler).pipe(
          map(() => dueOf(batch)),
          takeWhile(({ length }) => length > 0),
          mergeMap((due) => due),
          mergeMap(([key, place]) => announce$(key, place, batch)),
        ),
      ),
    );
  });
}

function moments$(scheduler: SchedulerLike): Observable<unknown> {
  return merge(
    from(MOMENTS_MS).pipe(mergeMap((delayMs) => (delayMs === 0 ? [0] : timer(delayMs, scheduler)))),
    timer(REFRESH_MS, REFRESH_MS, scheduler),
  );
}
