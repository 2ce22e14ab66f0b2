import {
  BehaviorSubject,
  catchError,
  defer,
  EMPTY,
  finalize,
  firstValueFrom,
  ignoreElements,
  map,
  merge,
  type Observable,
  ReplaySubject,
  type SchedulerLike,
  share,
  shareReplay,
  startWith,
  tap,
  timer,
} from 'rxjs';
import type { Listen } from '../config/host.ts';
import type { Takeover } from '../domain/history.ts';
import { whyNotReady } from '../domain/readiness.ts';
import type { View } from '../domain/view.ts';
import type { Etcd } from '../etcd/api.ts';
import type { Journal } from '../journal.ts';
import type { Log } from '../log.ts';
import { loadAssets } from './assets.ts';
import { document$, type EtcdLink } from './document.ts';
import { handling } from './handle.ts';
import { type Checked, metricsOf } from './metrics/metrics.ts';
import { httpServer$ } from './server.ts';

export interface WebOptions {
  readonly service: string;
  readonly node: string;
  readonly listen: Listen;
  readonly version: string;
  /** Where the files of the page are. */
  readonly assets: URL;
  readonly scheduler: SchedulerLike;
  readonly log: Log;
}

/** What people and their tools may see of the agent. It hears and looks, and has no say. */
export interface Web {
  readonly journal: Partial<Journal>;
  readonly counted: <E extends Etcd>(etcd: E) => E;
  readonly checked: (check: Checked) => void;
  /** Serves until unsubscribed; never errors. `takeovers$`: all on record, live; listened to while somebody looks. */
  readonly serve$: (
    view$: Observable<View>,
    takeovers$: Observable<readonly Takeover[]>,
  ) => Observable<never>;
}

/** For how long the history is followed on after the last one looked: tools that ask now and then list it once. */
const KEPT_MS = 60_000;

export function web(options: WebOptions): Web {
  const { service, node, listen, version, assets, scheduler, log } = options;
  const about = { service, node, version };
  const now = (): number => scheduler.now();
  let newest: View | null = null;
  const metrics = metricsOf(about, { view: () => newest, now });
  const link$ = new BehaviorSubject<EtcdLink>({ following: false, error: null });
  const followed: Journal['followed'] = (event) => {
    if (event.kind === 'connected') link$.next({ following: true, error: null });
    if (event.kind === 'disconnected') link$.next({ following: false, error: event.error.message });
  };

  const serve$: Web['serve$'] = (view$, takeovers$) => {
    const latest$ = view$.pipe(
      tap((view) => {
        newest = view;
      }),
      startWith(null),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    const over$ = new ReplaySubject<void>(1);
    const kept$ = takeovers$.pipe(
      share({
        connector: () => new ReplaySubject(1),
        // A timer alone would keep the process that stops.
        resetOnRefCountZero: () => merge(timer(KEPT_MS, scheduler), over$),
      }),
    );
    const status$ = document$(
      { view$: latest$, link$, takeovers$: kept$, scheduler, wallClockMs: Date.now },
      about,
    ).pipe(
      map((document) => JSON.stringify(document)),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    const handle = handling({
      assets: loadAssets(assets),
      status$,
      status: () => firstValueFrom(status$),
      metrics: metrics.collect,
      whyNotReady: () => (newest === null ? 'the agent is starting' : whyNotReady(newest, now())),
      scheduler,
      failed: (path, error) =>
        log('error', 'http_failed', `a bug while answering ${path}`, { error: stackOf(error) }),
    });
    const server$ = httpServer$(listen, {
      handle,
      scheduler,
      listening: (url) => log('info', 'http_listening', `status page and metrics at ${url}`, { url }),
      failed: ({ message }) =>
        log('warn', 'http_failed', 'no status page and no metrics now; trying again, all else goes on', {
          error: message,
        }),
    });
    return merge(latest$.pipe(ignoreElements()), server$).pipe(finalize(() => over$.next()));
  };

  return {
    journal: { ...metrics.journal, followed },
    counted: metrics.counted,
    checked: metrics.checked,
    serve$: (...sources) =>
      defer(() => serve$(...sources)).pipe(
        // People go without their page rather than databases without their addresses.
        catchError((error: unknown) => {
          log('error', 'http_failed', 'a bug ends the status page and the metrics; all else goes on', {
            error: stackOf(error),
          });
          return EMPTY;
        }),
      ),
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
