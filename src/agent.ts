import {
  combineLatest,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  firstValueFrom,
  ignoreElements,
  last,
  type MonoTypeOperatorFunction,
  map,
  merge,
  type Observable,
  of,
  type SchedulerLike,
  Subject,
  scan,
  share,
  shareReplay,
  startWith,
  switchMap,
  take,
  takeUntil,
  tap,
  timer,
  withLatestFrom,
} from 'rxjs';
import { coalesce, type Soon } from './coalesce.ts';
import { decide } from './domain/decide.ts';
import type { Decision } from './domain/decision.ts';
import type { Kernel, KernelEvent } from './domain/kernel.ts';
import type { Keys } from './domain/keys.ts';
import { ownByKey } from './domain/own.ts';
import { doubtedUntil } from './domain/session.ts';
import type { Health, Planned, Settings, View } from './domain/view.ts';
import { performKernel } from './effects/address.ts';
import { type Announcer, announcements$ } from './effects/announce.ts';
import { etcdLoop$ } from './effects/etcd-loop.ts';
import { kernelLoop$ } from './effects/kernel-loop.ts';
import { performEtcd } from './effects/perform.ts';
import { record$ } from './effects/record.ts';
import type { Etcd } from './etcd/api.ts';
import { handover$ } from './handover.ts';
import { narrate$ } from './journal/narrate.ts';
import type { Journal } from './journal.ts';
import type { AddressSetter } from './kernel/address-setter.ts';
import { lifetimesOf } from './lifetimes.ts';
import type { LocalStore } from './local.ts';
import { moments$ } from './moments.ts';
import { goodbye$ } from './stopping.ts';
import { follow$ } from './streams/cluster.ts';
import { planning$ } from './streams/planning.ts';
import { type SessionDependencies, type SessionOptions, session$ } from './streams/session.ts';
import { suspension$ } from './streams/suspension.ts';
import type { Supervisor } from './supervisor.ts';
import { takeovers$ } from './takeovers.ts';

export interface AgentDependencies {
  readonly etcd: Etcd;
  readonly keys: Keys;
  readonly setter: Pick<AddressSetter, 'change'>;
  /** The kernel's state, with what it answered as soon as it did; lists anew when `relist$` emits. */
  readonly kernel$: (asked: KernelAsked) => Observable<Kernel>;
  readonly health$: Observable<Health>;
  readonly announcer: Announcer;
  readonly local: LocalStore;
  readonly scheduler: SchedulerLike;
  readonly wallClock: () => string;
  readonly wallClockMs: () => number;
  /** How views are gathered; see coalesce. */
  readonly soon: Soon;
  readonly journal: Journal;
  readonly allowSecondaries: (interfaceName: string) => void;
  /** Keeps the leases for the next run. */
  readonly saveLeases: (leaseIds: readonly string[]) => void;
  readonly supervisor: Pick<Supervisor, 'pulse$' | 'watch'>;
  readonly stop$: Observable<Stop>;
  /** Emits at once, and again when the configuration was read anew. */
  readonly live$: Observable<LiveOptions>;
  /** Beside the daemon: sees every view, and has no say. */
  readonly watching?: (view$: Observable<View>) => Observable<never>;
}

export interface KernelAsked {
  readonly relist$: Observable<void>;
  readonly answered$: Observable<readonly KernelEvent[]>;
}

export interface Stop {
  readonly reason: string;
  /** Lease and addresses are left to the next run; without one they end by themselves. */
  readonly keep: boolean;
}

/** What may change while the agent runs. */
export interface LiveOptions {
  readonly settings: Settings;
  readonly rebalanceDelayMs: number;
}

export interface AgentOptions extends SessionOptions {
  /** For how long a stop with `keep` waits for the next run. As `ttl`, the same on all nodes. */
  readonly handoverMs: () => number;
}

/**
 * The whole daemon: streams in, one pure decision, effects out. Emits nothing; completes when it has stopped with every
 * address off the interface. The world echoes each effect through the streams; the next decision needs no other word.
 */
export function agent$(deps: AgentDependencies, options: AgentOptions): Observable<never> {
  return defer(() => {
    const { etcd, keys, scheduler, journal, local } = deps;
    const live$ = deps.live$.pipe(shareLatest());
    const settings$ = live$.pipe(map(({ settings }) => settings));
    const rebalanceDelayMs$ = live$.pipe(map(({ rebalanceDelayMs }) => rebalanceDelayMs));
    const relist$ = new Subject<void>();
    const answered$ = new Subject<readonly KernelEvent[]>();
    const barred$ = new Subject<void>();
    const leaving$ = new Subject<void>();
    const relist = (): void => relist$.next();
    const answered = (events: readonly KernelEvent[]): void => {
      if (events.length > 0) answered$.next(events);
    };

    // Streams in.
    const followed$ = follow$({ etcd, keys, scheduler }).pipe(tap(journal.followed), shareLatest());
    const clusters$ = followed$.pipe(
      filter((event) => event.kind === 'cluster'),
      coalesce(deps.soon, (older, newer) => ({ ...newer, restored: older.restored || newer.restored })),
    );
    // Where etcd's data came back older, leases that are not in it may live for so long.
    const longestLease = () => ({ ttlMs: Math.max(options.ttlMs, options.handoverMs()) });
    const planned$ = planning$(clusters$, scheduler, longestLease).pipe(shareLatest());
    // A change of our own session key, or a machine that slept, raises a doubt: the lease is proven at once.
    const suspended$ = suspension$(scheduler, deps.wallClockMs).pipe(tap(journal.suspended), share());
    const doubts$ = merge(
      planned$.pipe(
        map(({ cluster }) => cluster.sessions.get(options.nodename)?.leaseId),
        distinctUntilChanged(),
      ),
      suspended$,
    );
    const stop$ = deps.stop$.pipe(
      take(1),
      tap(({ reason }) => journal.stopping(reason)),
      shareLatest(),
    );
    const kept$ = stop$.pipe(filter(({ keep }) => keep));
    const setLifetimes = lifetimesOf(
      { ...deps, answered },
      async () => (await firstValueFrom(settings$)).label,
    );
    const lease = { ...deps, ...journal, setLifetimes };
    const sessions$ = provenSession$({ ...lease, doubts$, barred$ }, suspended$, journal, options).pipe(
      // What becomes of a lease that is given back or left to the next run is not this run's to prove.
      takeUntil(merge(leaving$, kept$)),
      shareLatest(),
    );
    const health$ = deps.health$.pipe(distinctUntilChanged(), tap(journal.health));

    // One decision.
    const decision$ = combineLatest({
      planned: planned$.pipe(startWith(null)),
      kernel: deps
        .kernel$({ relist$, answered$ })
        .pipe(tap((kernel) => local.forget(foreignNow(kernel, local.recorded())))),
      health: health$,
      session: sessions$,
      rebalance: rebalance$(planned$, rebalanceDelayMs$, scheduler),
      settings: settings$,
      stopping: stop$.pipe(
        map(({ keep }) => !keep),
        startWith(false),
      ),
      local: local.local$,
      moment: moments$(sessions$, scheduler),
      pulse: deps.supervisor.pulse$,
    }).pipe(
      coalesce(deps.soon),
      map(({ session, planned, stopping, moment: _, pulse: _pulse, ...parts }): View => {
        // Who stops adopts no more: what the previous run left goes.
        const adopted = stopping && session === 'adopting' ? null : session;
        const shown = isShown(adopted, planned) ? planned : null;
        return { ...parts, planned: shown, stopping, session: adopted, now: scheduler.now() };
      }),
      map((view): Decision => ({ view, actions: decide(view) })),
      shareLatest(),
    );
    const own$ = decision$.pipe(
      map(({ view }) => ownByKey(view)),
      distinctUntilChanged(
        (a, b) => a === b || (a.size === b.size && [...a.keys()].every((key) => b.has(key))),
      ),
      shareLatest(),
    );

    const announced$ = announcements$(own$, deps).pipe(share());
    const takeover$ = takeovers$({ planned$, own$, announced$ }, options.nodename, deps).pipe(
      tap(journal.takeover),
    );

    // Effects out; none any more once everything is left to the next run.
    const effects$ = merge(
      // First of all: that an address is known to its neighbours waits for no other effect, nor for lines of the log.
      record$(takeover$, { ...deps, nodename: options.nodename, failed: journal.recordFailed }),
      kernelLoop$({ ...deps, ...journal, relist, perform: performKernel({ ...deps, answered }) }, decision$),
      etcdLoop$(
        {
          ...deps,
          ...options,
          written: journal.written,
          failed: (action, error) => {
            journal.writeFailed(action, error);
            if (action.kind === 'release' && error.kind === 'refused') barred$.next();
          },
          perform: performEtcd({ ...deps, nodename: options.nodename }),
        },
        decision$,
      ),
      deps.supervisor.watch(decision$),
      narrate$(journal, { decision$, planned$, own$, announced$ }),
    ).pipe(takeUntil(kept$));
    const stopped$ = stop$.pipe(
      withLatestFrom(sessions$),
      switchMap(([{ keep }, session]) => {
        const leaving = () => leaving$.next();
        if (!keep) return goodbye$({ ...deps, revokeFailed: journal.revokeFailed, leaving }, decision$);
        // Without a session of its own this run has nothing to leave but what the one before left.
        if (session === null || session === 'adopting') return EMPTY;
        return handover$(lease, { nodename: options.nodename, handoverMs: options.handoverMs() }, session);
      }),
      last(null, null),
      shareLatest(),
    );
    const watched$ = deps.watching?.(decision$.pipe(map(({ view }) => view))) ?? EMPTY;
    return merge(effects$, stopped$, watched$).pipe(takeUntil(stopped$), ignoreElements());
  });
}

/** The session as the view has it; a lease that is kept for the next run is remembered as soon as it is known. */
function provenSession$(
  deps: SessionDependencies,
  suspended$: Observable<number>,
  journal: Journal,
  options: SessionOptions,
): Observable<View['session']> {
  const before: View['session'] = options.previousLeases === undefined ? null : 'adopting';
  const slept$ = suspended$.pipe(
    filter((driftMs) => driftMs > 0),
    map(() => ({ kind: 'slept' }) as const),
  );
  return merge(session$(deps, options).pipe(tap(journal.session)), slept$).pipe(
    scan((session: View['session'], event) => {
      if (event.kind === 'slept') return doubted(session, deps.scheduler.now());
      if (event.kind === 'started' || event.kind === 'proven') return event.session;
      return event.kind === 'unproven' ? session : null;
    }, before),
    startWith(before),
    distinctUntilChanged(),
    tap((session) => session !== 'adopting' && deps.saveLeases(session === null ? [] : [session.leaseId])),
  );
}

/** What we put there and somebody made his: without a lifetime it is not ours any more. */
function foreignNow({ addresses }: Kernel, recorded: ReadonlySet<string>): readonly string[] {
  return [...recorded].filter((key) => addresses.get(key)?.expiresAt === Infinity);
}

/** The monotonic clock stood still while the machine slept: what was proven before counts for a moment more. */
function doubted(session: View['session'], now: number): View['session'] {
  if (session === null || session === 'adopting') return session;
  return { ...session, provenUntil: Math.min(session.provenUntil, doubtedUntil(now)) };
}

/** Whether etcd was followed far enough: before that what the session has seems to be on leases that are not its own. */
function isShown(session: View['session'], planned: Planned | null): boolean {
  if (planned === null || session === null || session === 'adopting') return true;
  return planned.cluster.revision >= (session.shownFrom ?? 0);
}

/** Whether the plan has wanted to move addresses for the balance for the delay (ms) without a break. */
function rebalance$(
  planned$: Observable<{ readonly plan: { readonly moves: readonly { readonly kind: string }[] } }>,
  delayMs$: Observable<number>,
  scheduler: SchedulerLike,
): Observable<boolean> {
  const isUneven$ = planned$.pipe(
    map(({ plan }) => plan.moves.some(({ kind }) => kind === 'balance')),
    distinctUntilChanged(),
  );
  return combineLatest([isUneven$, delayMs$.pipe(distinctUntilChanged())]).pipe(
    switchMap(([isUneven, delayMs]) =>
      isUneven
        ? timer(delayMs, scheduler).pipe(
            map(() => true),
            startWith(false),
          )
        : of(false),
    ),
    startWith(false),
    distinctUntilChanged(),
  );
}

function shareLatest<T>(): MonoTypeOperatorFunction<T> {
  return shareReplay({ bufferSize: 1, refCount: true });
}
