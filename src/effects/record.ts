import {
  defer,
  exhaustMap,
  finalize,
  firstValueFrom,
  from,
  ignoreElements,
  type Observable,
  type SchedulerLike,
  tap,
  throttleTime,
  timer,
} from 'rxjs';
import { formatTakeovers, type Takeover } from '../domain/history.ts';
import type { Keys } from '../domain/keys.ts';
import { type Etcd, EtcdError } from '../etcd/api.ts';

export interface RecordDependencies {
  readonly etcd: Pick<Etcd, 'range' | 'transact'>;
  readonly keys: Keys;
  readonly nodename: string;
  readonly scheduler: SchedulerLike;
  /** Takeovers that nobody will read of. */
  readonly failed: (lost: number, error: EtcdError) => void;
}

/** The pause after a takeover before it is written: the others of the same event are over by then. */
const GATHER_MS = 500;
const TAKEOVERS_A_KEY = 20;
const MOST_WAITING = 5000;
const TRIES = 5;
const RETRY_MS = 2000;
/** So many keys are left of all nodes' together; each writer deletes older ones. */
export const HISTORY_KEYS = 200;
/** How many keys a node writes before it looks at their number again. */
const KEYS_BETWEEN_LOOKS = 10;

/**
 * Writes takeovers into etcd, without a lease, so that they outlive the node. Behind everything else: some time later,
 * one small write after the other, with a bounded queue, and what cannot be written is lost.
 */
export function record$(takeovers$: Observable<Takeover>, deps: RecordDependencies): Observable<never> {
  return defer(() => {
    const waiting: Takeover[] = [];
    let isOver = false;
    let number = 0;
    let sinceLook = KEYS_BETWEEN_LOOKS;

    const drain = async (): Promise<void> => {
      while (waiting.length > 0 && !isOver) {
        const batch = waiting.splice(0, TAKEOVERS_A_KEY);
        number += 1;
        const key = `${deps.keys.history}${batch[0]?.at}-${deps.nodename}-${number}`;
        await write(deps, key, batch, () => isOver);
        sinceLook += 1;
        if (sinceLook < KEYS_BETWEEN_LOOKS || isOver) continue;
        sinceLook = 0;
        await trim(deps);
      }
    };
    return takeovers$.pipe(
      tap((takeover) => {
        waiting.push(takeover);
        if (waiting.length > MOST_WAITING) waiting.shift();
      }),
      throttleTime(GATHER_MS, deps.scheduler, { leading: false, trailing: true }),
      exhaustMap(() => from(drain())),
      ignoreElements(),
      finalize(() => {
        isOver = true;
      }),
    );
  });
}

async function write(
  { etcd, scheduler, failed }: RecordDependencies,
  key: string,
  batch: readonly Takeover[],
  isOver: () => boolean,
): Promise<void> {
  for (let attempt = 1; !isOver(); attempt += 1) {
    try {
      await etcd.transact([], [{ kind: 'put', key, value: formatTakeovers(batch) }]);
      return;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      if (attempt === TRIES) return failed(batch.length, error);
    }
    await firstValueFrom(timer(RETRY_MS, scheduler));
  }
}

/** Deletes the oldest keys, by etcd's order and not by clocks. Another time, where etcd does not answer now. */
async function trim({ etcd, keys }: RecordDependencies): Promise<void> {
  try {
    const { keyValues } = await etcd.range(keys.history, 'prefix');
    const oldest = keyValues.toSorted((a, b) => a.modRevision - b.modRevision).slice(0, -HISTORY_KEYS);
    // etcd takes 128 operations a transaction.
    for (let start = 0; start < oldest.length; start += 100) {
      const operations = oldest
        .slice(start, start + 100)
        .map(({ key }) => ({ kind: 'delete', key }) as const);
      await etcd.transact([], operations);
    }
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
  }
}
