import {
  distinctUntilChanged,
  EMPTY,
  ignoreElements,
  map,
  merge,
  type Observable,
  of,
  type SchedulerLike,
  takeWhile,
  tap,
  throttleTime,
  timer,
} from 'rxjs';
import type { Decision } from './domain/decision.ts';
import { ownByKey } from './domain/own.ts';
import { isProven } from './domain/session.ts';
import type { View } from './domain/view.ts';
import type { Notify } from './kernel/notify-socket.ts';

/** Who started this process and wants to know how it does: systemd, or nobody. */
export interface Supervisor {
  /** Must be an input of the decision: whether the loop works shows in what comes out for it. */
  readonly pulse$: Observable<unknown>;
  /** Tells what the decisions say about this process. */
  readonly watch: (decision$: Observable<Decision>) => Observable<never>;
  /** The answer says when it is done. */
  readonly reloading: () => () => void;
  readonly stopping: () => void;
}

export interface SupervisorOptions {
  readonly notify: Notify;
  /** How long this process may be silent; undefined where nobody minds. */
  readonly watchdogMs: number | undefined;
  readonly scheduler: SchedulerLike;
}

export const unsupervised: Supervisor = {
  pulse$: of(null),
  watch: () => EMPTY,
  reloading: () => () => {},
  stopping: () => {},
};

/**
 * Speaks sd_notify(3). The watchdog is fed by decisions and by nothing else: a pulse makes for one now and then where
 * nothing happens, and a loop that hangs, or has come to its end, makes for none.
 */
export function systemdSupervisor({ notify, watchdogMs, scheduler }: SupervisorOptions): Supervisor {
  let isReady = false;
  const ready = (): void => {
    isReady = true;
    notify('READY=1');
  };
  const readiness$ = (decision$: Observable<Decision>): Observable<unknown> =>
    decision$.pipe(
      takeWhile(({ view }) => !isUp(view), true),
      tap(({ view }) => isUp(view) && ready()),
    );
  const status$ = (decision$: Observable<Decision>): Observable<unknown> =>
    decision$.pipe(
      map(({ view }) => statusOf(view)),
      distinctUntilChanged(),
      throttleTime(STATUS_MS, scheduler, { leading: true, trailing: true }),
      tap((status) => notify(`STATUS=${status}`)),
    );
  const watchdog$ = (decision$: Observable<Decision>, intervalMs: number): Observable<unknown> =>
    decision$.pipe(
      throttleTime(intervalMs / 4, scheduler),
      tap(() => notify('WATCHDOG=1')),
    );
  return {
    pulse$: watchdogMs === undefined ? of(null) : timer(0, watchdogMs / 2, scheduler),
    watch: (decision$) =>
      merge(
        readiness$(decision$),
        status$(decision$),
        watchdogMs === undefined ? EMPTY : watchdog$(decision$, watchdogMs),
      ).pipe(ignoreElements()),
    reloading: () => {
      if (!isReady) return () => {};
      notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
      return ready;
    },
    stopping: () => notify('STOPPING=1'),
  };
}

/** `systemctl status` is for people. */
const STATUS_MS = 1000;

/** The first proven session or the first verdict on the database: whichever comes first, there is something to tell. */
function isUp({ session, health, now }: View): boolean {
  return health.kind !== 'unknown' || (session !== 'adopting' && isProven(session, now));
}

function statusOf(view: View): string {
  const { health, session, now } = view;
  const count = ownByKey(view).size;
  const held = `${count} ${count === 1 ? 'address' : 'addresses'}`;
  const etcd = session !== 'adopting' && isProven(session, now) ? 'session proven' : 'no proven session';
  const database = health.kind === 'sick' ? `database sick: ${health.reason}` : `database ${health.kind}`;
  return `${held}; ${etcd}; ${database}`.replaceAll('\n', ' ');
}

export interface Supervision {
  readonly environment: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly open: (name: string) => Notify;
  readonly scheduler: SchedulerLike;
  /** It cannot be told: of that alone the agent does not end. Called for the first of several failures in a row. */
  readonly failed: (error: unknown) => void;
}

/** Who supervises this process, by the environment that sd_notify(3) and sd_watchdog_enabled(3) describe. */
export function supervisorOf({ environment, pid, scheduler, ...deps }: Supervision): Supervisor {
  const { NOTIFY_SOCKET: name = '', WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched } = environment;
  if (name === '') return unsupervised;
  const isWatched = watched === undefined || watched === String(pid);
  const watchdogMs = isWatched && Number(microseconds) > 0 ? Number(microseconds) / 1000 : undefined;
  return systemdSupervisor({ notify: tolerant(name, deps), scheduler, watchdogMs });
}

function tolerant(name: string, { open, failed }: Pick<Supervision, 'open' | 'failed'>): Notify {
  let send: Notify | undefined;
  let hasFailed = false;
  return (text) => {
    try {
      send ??= open(name);
      send(text);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) failed(error);
      hasFailed = true;
    }
  };
}
