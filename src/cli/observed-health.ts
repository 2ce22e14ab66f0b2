import { isDeepStrictEqual } from 'node:util';
import {
  distinctUntilChanged,
  filter,
  firstValueFrom,
  map,
  NEVER,
  type Observable,
  switchMap,
  tap,
} from 'rxjs';
import { monotonicScheduler } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Health } from '../domain/view.ts';
import { databaseProbe, databaseSentinel } from '../streams/database.ts';
import { health$, type Health as Verdict } from '../streams/health.ts';

/**
 * The verdicts of the checks, with the moment of each change for people; `config$` emits at once, and on a reload.
 * `checked` hears of each check that was finished.
 */
export function observedHealth$(
  config$: Observable<Config>,
  checked: (verdict: Exclude<Verdict, { kind: 'unknown' }>) => void = () => {},
): Observable<Health> {
  let known: Health = { kind: 'unknown', reason: '', since: null };
  return config$.pipe(
    map(checksOf),
    distinctUntilChanged((before, after) => isDeepStrictEqual(before, after)),
    switchMap(({ database, ...options }) =>
      health$(
        {
          probe: databaseProbe(database),
          sentinel: databaseSentinel(database),
          scheduler: monotonicScheduler,
        },
        options,
      ),
    ),
    tap((verdict) => verdict.kind !== 'unknown' && checked(verdict)),
    // After a reload the verdict of before stands until there is a new one.
    filter(({ kind }, index) => kind !== 'unknown' || index === 0),
    map((health) => {
      const reason = health.kind === 'sick' ? health.reason : '';
      const role = health.kind === 'healthy' ? health.role : undefined;
      if (health.kind !== known.kind || reason !== known.reason || role !== known.role) {
        const since = health.kind === known.kind ? known.since : new Date().toISOString();
        known = { kind: health.kind, reason, since, ...(role === undefined ? {} : { role }) };
      }
      return known;
    }),
  );
}

/** One whole check with these settings, besides those that go on. */
export function checkOnce(config: Config): Promise<Verdict> {
  const { database, ...options } = checksOf(config);
  const deps = { probe: databaseProbe(database), sentinel: () => NEVER, scheduler: monotonicScheduler };
  return firstValueFrom(health$(deps, options).pipe(filter(({ kind }) => kind !== 'unknown')));
}

function checksOf({ database, intervalMs, retryNum, retryAfterMs }: Config) {
  return { database, intervalMs, retryNum, retryAfterMs, timeoutMs: database.connectTimeoutMs };
}
