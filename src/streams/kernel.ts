import {
  auditTime,
  connect,
  distinctUntilChanged,
  EMPTY,
  filter,
  map,
  merge,
  Observable,
  retry,
  type SchedulerLike,
  scan,
  timer,
} from 'rxjs';
import type { Kernel, KernelEvent } from '../domain/kernel.ts';
import { applyEvents, type KernelTable, kernelTable } from '../domain/kernel-table.ts';
import { SystemError, whenReadable } from '../kernel/libc.ts';
import { listKernel } from '../kernel/list-kernel.ts';
import { type NetlinkSocket, netlinkSocket } from '../kernel/netlink.ts';
import { EVERYTHING_OF_INTEREST, eventsOf, type LinkNames } from '../kernel/rtnetlink.ts';
import { gatherRenewals, type Seen } from './gather-renewals.ts';
import { onDemand } from './on-demand.ts';

export interface KernelDependencies {
  readonly scheduler: SchedulerLike;
  /** A socket of rtnetlink(7) that hears of what happens in these groups (a bit mask). */
  readonly open?: (groups?: number) => NetlinkSocket;
  /** The socket or a listing failed; all of it is begun anew. */
  readonly failed: (error: Error) => void;
  /** Asks for a listing beside the regular ones. */
  readonly relist$: Observable<void>;
  /** What the kernel answered: as good as its event, and here before it. */
  readonly answered$?: Observable<readonly KernelEvent[]>;
}

/** Listing anew heals what was missed, if ever anything was. */
const RELIST_MS = 60_000;
const RETRY_MS = 200;
const GATHER_MS = 50;

/**
 * Addresses, links and routes of this host, live, by rtnetlink(7): listed once a socket hears of every change, then
 * followed event by event. Events that come during a listing are applied again on top of it, in order.
 */
export function kernel$(deps: KernelDependencies): Observable<Kernel> {
  const { scheduler, open = netlinkSocket, failed, relist$, answered$ = EMPTY } = deps;
  const names: LinkNames = new Map();
  return told$(open, names, scheduler).pipe(
    connect((heard$) => {
      const events$ = merge(heard$.pipe(filter((batch) => batch !== 'listening')), answered$);
      const outdated$ = events$.pipe(filter((events) => events.some(({ kind }) => kind === 'outdated')));
      const asked$ = merge(relist$, outdated$, timer(RELIST_MS, RELIST_MS, scheduler));
      // One for a burst of reasons, and always one after the last of them.
      const due$ = merge(
        heard$.pipe(filter((batch) => batch === 'listening')),
        asked$.pipe(auditTime(GATHER_MS, scheduler)),
      );
      const list = () => listKernel({ now: () => scheduler.now(), names, open });
      const listings$ = onDemand(due$, listed$(list, events$));
      return merge(listings$, events$).pipe(
        scan((seen: (Seen & { readonly table: KernelTable }) | null, input) => {
          if (!Array.isArray(input)) return { table: kernelTable(input as Kernel), isNews: true };
          return seen && { table: seen.table, isNews: seen.table.apply(input as readonly KernelEvent[]) };
        }, null),
        filter((seen) => seen !== null),
        gatherRenewals(scheduler),
        map(({ table }) => table.snapshot()),
        distinctUntilChanged(),
      );
    }),
    retry({
      delay: (error: Error) => {
        // A bug is no reason to try again.
        if (!(error instanceof KernelError)) throw error;
        failed(error);
        return timer(RETRY_MS, scheduler);
      },
    }),
  );
}

/** The kernel did not do what it was asked. */
class KernelError extends Error {}

/** A listing, with what happened while it was made applied on top. */
function listed$(
  list: () => Promise<Kernel>,
  events$: Observable<readonly KernelEvent[]>,
): Observable<Kernel> {
  return new Observable((subscriber) => {
    const meanwhile: KernelEvent[] = [];
    const listening = events$.subscribe((events) => meanwhile.push(...events));
    list().then(
      (kernel) => {
        subscriber.next(applyEvents(kernel, meanwhile));
        subscriber.complete();
      },
      (error: Error) => subscriber.error(new KernelError(error.message, { cause: error })),
    );
    return listening;
  });
}

/** What the kernel tells, one batch for each wake-up; "listening" once it tells everything. */
function told$(
  open: (groups: number) => NetlinkSocket,
  names: LinkNames,
  scheduler: SchedulerLike,
): Observable<readonly KernelEvent[] | 'listening'> {
  return new Observable((subscriber) => {
    const fail = (error: unknown): void =>
      subscriber.error(
        error instanceof SystemError ? new KernelError(error.message, { cause: error }) : error,
      );
    let socket: NetlinkSocket;
    try {
      socket = open(EVERYTHING_OF_INTEREST);
    } catch (error) {
      fail(error);
      return undefined;
    }
    const endWaiting = whenReadable(socket, () => {
      try {
        const events = received(socket, names, scheduler.now());
        if (events.length > 0) subscriber.next(events);
      } catch (error) {
        fail(error);
      }
    });
    subscriber.next('listening');
    return () => {
      endWaiting();
      socket.close();
    };
  });
}

function received(socket: NetlinkSocket, names: LinkNames, now: number): readonly KernelEvent[] {
  const events: KernelEvent[] = [];
  for (;;) {
    try {
      const messages = socket.receiveNow();
      if (messages === undefined) return events;
      for (const message of messages) events.push(...eventsOf(message, names, now));
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== OVERFLOWN) throw error;
      events.push({ kind: 'outdated' });
    }
  }
}

/** Told once after the kernel had to drop messages, since they were not read fast enough. */
const OVERFLOWN = 'ENOBUFS';
