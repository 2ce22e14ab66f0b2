import type { Address } from '../../src/domain/address.ts';
import { NO_LEASE } from '../../src/domain/cluster.ts';
import type { Keys } from '../../src/domain/keys.ts';
import { parseGuard } from '../../src/domain/values.ts';
import type { Change, EtcdStore } from './model/etcd-store.ts';
import type { Timeline } from './model/timeline.ts';

/** A rule that was broken, when and how. */
export interface Violation {
  readonly rule:
    | 'two holders'
    | 'not provable'
    | 'mark ignored'
    | 'foreign address touched'
    | 'no rest'
    | 'crash';
  readonly atMs: number;
  readonly text: string;
}

/** Watches the kernels of all hosts and the truth in etcd, at every step. */
export interface Invariants {
  readonly appeared: (host: string, address: Address) => void;
  readonly disappeared: (host: string, address: Address) => void;
  readonly report: (rule: Violation['rule'], text: string) => void;
  readonly holdersOf: (address: Address) => readonly string[];
  readonly heldBy: (host: string) => number;
  /** Until then `host`, or everyone, may have an address that etcd knows nothing of: the lease was revoked by hand. */
  readonly excuse: (host: string | null, untilMs: number) => void;
  readonly violations: readonly Violation[];
}

export function invariantsOn(timeline: Timeline, store: EtcdStore, keys: Keys): Invariants {
  const holders = new Map<Address, Map<string, number>>();
  const excuses = new Map<string | null, number>();
  const violations: Violation[] = [];

  const report = (rule: Violation['rule'], text: string): void => {
    violations.push({ rule, atMs: timeline.now(), text });
  };
  const holdersOf = (address: Address): string[] => [...(holders.get(address)?.keys() ?? [])];

  /**
   * On the kernel of a host, running, stopped or dead: only with the host's guard in etcd, on a living lease. (One that was
   * overwritten by hand is on none, and keeps everybody else off all the same.)
   */
  const prove = (address: Address): void => {
    const guard = store.get(keys.guard(address));
    const owner = guard === undefined ? undefined : parseGuard(guard.value).node;
    for (const host of holdersOf(address)) {
      const leaseId = guard?.leaseId ?? '';
      if (owner === host && (leaseId === NO_LEASE || store.leases.isAlive(leaseId))) continue;
      const excusedUntil = Math.max(excuses.get(host) ?? 0, excuses.get(null) ?? 0);
      if (excusedUntil > timeline.now()) timeline.at(excusedUntil, () => prove(address));
      else report('not provable', `${address} is on ${host}, and its guard is ${owner ?? 'nobody'}'s`);
    }
  };
  const look = ({ events }: Change): void => {
    for (const event of events) {
      const key = keys.parse(event.kind === 'put' ? event.keyValue.key : event.key);
      if (key.kind === 'guard') prove(key.address);
    }
  };
  store.listen(look);

  return {
    violations,
    report,
    holdersOf,
    heldBy: (host) => [...holders.values()].filter((names) => names.has(host)).length,
    excuse: (host, untilMs) => excuses.set(host, Math.max(excuses.get(host) ?? 0, untilMs)),
    appeared: (host, address) => {
      const names = holders.get(address) ?? new Map<string, number>();
      holders.set(address, names);
      names.set(host, (names.get(host) ?? 0) + 1);
      if (names.size > 1) report('two holders', `${address} is on ${[...names.keys()].join(' and ')}`);
      prove(address);
    },
    disappeared: (host, address) => {
      const names = holders.get(address);
      const left = (names?.get(host) ?? 0) - 1;
      if (left > 0) names?.set(host, left);
      else names?.delete(host);
    },
  };
}
