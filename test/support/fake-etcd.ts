import { Observable, type Subscriber } from 'rxjs';
import type { KeyValue } from '../../src/domain/entries.ts';
import {
  type Condition,
  type Etcd,
  EtcdError,
  type EtcdErrorKind,
  type Operation,
  type WatchBatch,
  type WatchEvent,
} from '../../src/etcd/api.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What becomes of one call: it may take time, get lost on its way, or lose its answer. */
export interface Fate {
  readonly delayMs?: number;
  readonly lost?: EtcdErrorKind;
  readonly answerLost?: EtcdErrorKind;
  /** As one that a deposed or stalled leader gave. */
  readonly term?: string;
  readonly ttlMs?: number;
}

export interface FakeEtcd extends Etcd {
  /** Decides on every call; by default all go well. */
  fate: (call: string, key: string) => Fate | undefined;
  /** Names of all calls so far. */
  readonly calls: string[];
  term: number;
  put(key: string, value: string, leaseId?: string): void;
  delete(key: string): void;
  readonly keyValues: ReadonlyMap<string, KeyValue>;
  readonly leases: ReadonlyMap<string, { readonly until: number; readonly ttlMs: number }>;
  revision(): number;
  compact(): void;
  /** Breaks every watch; with a number each only after so many further batches. */
  cutWatches(kind?: EtcdErrorKind): void;
  watchCount(): number;
  /** Another database at the same address: what was there is gone, and this is there instead. */
  replaceData(revision: number, keyValues: readonly KeyValue[]): void;
}

interface Watcher {
  readonly prefix: string;
  readonly subscriber: Subscriber<WatchBatch>;
}

/** An etcd of one process: leases that end by the virtual clock, transactions, history, watches. */
export function fakeEtcd(clock: VirtualClock): FakeEtcd {
  const keyValues = new Map<string, KeyValue>();
  const leases = new Map<string, { until: number; ttlMs: number }>();
  const watchers = new Set<Watcher>();
  let history: { readonly revision: number; readonly events: readonly WatchEvent[] }[] = [];
  let revision = 1;
  let compacted = 0;
  let leaseNumber = 100;

  const header = () => ({ revision, term: String(fake.term) });
  const failure = (kind: EtcdErrorKind) => new EtcdError(kind, 'fake', `fake etcd: ${kind}`);

  function write(operations: readonly Operation[]): void {
    const next = revision + 1;
    const events = operations.flatMap((operation): WatchEvent[] => {
      const { key } = operation;
      if (operation.kind === 'delete') {
        return keyValues.delete(key) ? [{ kind: 'delete', key, modRevision: next }] : [];
      }
      const { value, leaseId = '0' } = operation;
      const keyValue = { key, value, leaseId, modRevision: next };
      keyValues.set(key, keyValue);
      return [{ kind: 'put', keyValue }];
    });
    if (events.length === 0) return;
    revision = next;
    history.push({ revision, events });
    for (const watcher of [...watchers]) send(watcher, events);
  }

  function send({ prefix, subscriber }: Watcher, events: readonly WatchEvent[]): void {
    const below = events.filter((event) => keyOf(event).startsWith(prefix));
    if (below.length > 0) subscriber.next({ header: header(), events: below });
  }

  function end(leaseId: string): void {
    leases.delete(leaseId);
    const keys = [...keyValues.values()].filter((keyValue) => keyValue.leaseId === leaseId);
    write(keys.map(({ key }) => ({ kind: 'delete', key })));
  }

  async function call<T>(name: string, key: string, run: (fate: Fate) => T): Promise<T> {
    fake.calls.push(name);
    const fate = fake.fate(name, key) ?? {};
    if (fate.delayMs !== undefined) await clock.wait(fate.delayMs);
    if (fate.lost !== undefined) throw failure(fate.lost);
    for (const [leaseId, { until }] of leases) if (until <= clock.now()) end(leaseId);
    const answer = run(fate);
    if (fate.answerLost !== undefined) throw failure(fate.answerLost);
    return answer;
  }

  const holds = (condition: Condition): boolean => {
    const found = keyValues.get(condition.key);
    if ('exists' in condition) return condition.exists === (found !== undefined);
    if ('modRevision' in condition) return found?.modRevision === condition.modRevision;
    return found?.leaseId === condition.leaseId;
  };

  const fake: FakeEtcd = {
    fate: () => undefined,
    calls: [],
    term: 2,
    keyValues,
    leases,
    revision: () => revision,
    endpoint: () => 'fake',
    put: (key, value, leaseId = '0') => write([{ kind: 'put', key, value, leaseId }]),
    delete: (key) => write([{ kind: 'delete', key }]),
    range: (key, prefix) =>
      call('range', key, ({ term }) => ({
        ...header(),
        ...(term === undefined ? {} : { term }),
        keyValues: [...keyValues.values()].filter((found) =>
          prefix === undefined ? found.key === key : found.key.startsWith(key),
        ),
      })),
    transact: (conditions, operations) =>
      call('transact', operations[0]?.key ?? '', () => {
        const succeeded = conditions.every(holds);
        for (const operation of succeeded ? operations : []) {
          const leaseId = operation.kind === 'put' ? (operation.leaseId ?? '0') : '0';
          if (leaseId !== '0' && !leases.has(leaseId)) throw failure('lease-not-found');
        }
        if (succeeded) write(operations);
        return { ...header(), succeeded };
      }),
    grant: (ttlSeconds) =>
      call('grant', '', () => {
        leaseNumber += 1;
        const ttlMs = ttlSeconds * 1000;
        leases.set(String(leaseNumber), { until: clock.now() + ttlMs, ttlMs });
        return { leaseId: String(leaseNumber), ttlMs };
      }),
    keepAlive: (leaseId) =>
      call('keepAlive', leaseId, (fate) => {
        const lease = leases.get(leaseId);
        if (lease !== undefined) lease.until = clock.now() + lease.ttlMs;
        return { ttlMs: fate.ttlMs ?? lease?.ttlMs ?? 0, term: fate.term ?? String(fake.term) };
      }),
    revoke: (leaseId) => call('revoke', leaseId, () => end(leaseId)),
    watch: (prefix, startRevision) =>
      new Observable((subscriber) => {
        fake.calls.push('watch');
        const { lost } = fake.fate('watch', prefix) ?? {};
        if (lost !== undefined) subscriber.error(failure(lost));
        if (startRevision < compacted) subscriber.error(failure('compacted'));
        if (subscriber.closed) return undefined;
        const watcher = { prefix, subscriber };
        subscriber.next({ header: header(), events: [] });
        for (const past of history) if (past.revision >= startRevision) send(watcher, past.events);
        watchers.add(watcher);
        return () => watchers.delete(watcher);
      }),
    compact: () => {
      compacted = revision;
      history = history.filter((past) => past.revision >= revision);
    },
    cutWatches: (kind = 'unreachable') => {
      for (const { subscriber } of [...watchers]) subscriber.error(failure(kind));
    },
    watchCount: () => watchers.size,
    replaceData: (newRevision, newKeyValues) => {
      keyValues.clear();
      for (const keyValue of newKeyValues) keyValues.set(keyValue.key, keyValue);
      revision = newRevision;
      history = [];
      compacted = newRevision;
    },
  };
  return fake;
}

function keyOf(event: WatchEvent): string {
  return event.kind === 'put' ? event.keyValue.key : event.key;
}
