import type { Address } from '../../src/domain/address.ts';
import { clusterOf, entryOf } from '../../src/domain/entries.ts';
import { planOf } from '../../src/domain/planning.ts';
import type { Host } from './model/host.ts';
import type { World } from './world.ts';

/** Looks, now and then, at what takes a while to come right. */
export interface Rest {
  /** What is not as it should be once nothing is wrong any more. */
  readonly missing: () => readonly string[];
  /** Changes with everything that agents do but keep their leases alive. */
  readonly activity: () => string;
  /** A running agent that nothing disturbs follows a mark that was changed by hand. */
  readonly watchMarks: () => void;
}

/** How long an undisturbed agent may take to follow the mark: an echo that is waited for, a retry, a relist. */
const FOLLOW_MS = 3000;

export function restOf(world: World): Rest {
  const { cluster, keys, hosts, invariants, timeline, disturbedUntil } = world;
  const { store } = cluster;
  let wrongSince: ReadonlyMap<string, number> = new Map();

  const isEligible = (host: Host): boolean =>
    host.process()?.isRunning() === true &&
    host.isHealthy() &&
    store.get(keys.drain(host.name)) === undefined;

  const isMarked = (name: string, address: Address): boolean => {
    const mark = store.get(keys.mark(address));
    const leaseId = hosts.find((host) => host.name === name)?.leaseId();
    return mark?.value === name && mark.leaseId === leaseId;
  };

  return {
    missing: () => {
      const problems: string[] = [];
      const entries = store.range(keys.prefix, 'prefix').map((keyValue) => entryOf(keys, keyValue));
      const seen = clusterOf(
        store.revision(),
        entries.filter((entry) => entry !== undefined),
      );
      const plan = planOf(seen);
      const impossible = new Set(plan.unheld.map(({ address }) => address));
      const eligible = hosts.filter(isEligible);
      const names = new Set(eligible.map(({ name }) => name));
      const pool = seen.pool;
      for (const address of world.addresses) {
        const holders = invariants.holdersOf(address);
        const [holder] = holders;
        if (!pool.has(address) || names.size === 0 || impossible.has(address)) {
          if (holder !== undefined) problems.push(`${address} is on ${holder} and should be nowhere`);
          if (!pool.has(address) && store.get(keys.mark(address)) !== undefined)
            problems.push(`${address} is marked and not in the pool`);
        } else if (holder === undefined) problems.push(`${address} is held by nobody`);
        else if (!names.has(holder)) problems.push(`${address} is on ${holder}, which must not have it`);
        else if (store.get(keys.mark(address))?.value !== holder)
          problems.push(`${address} is on ${holder} and marked for another`);
      }
      // With weights and wishes the plan says what is even; without, anybody can count it.
      for (const { address, from, to } of plan.moves)
        problems.push(`${address} should move from ${from} to ${to}`);
      const counts = eligible.map(({ name }) => invariants.heldBy(name));
      const spread = Math.max(0, ...counts) - Math.min(...counts);
      if (world.sharing === 'alike' && spread > 1)
        problems.push(`the largest share is larger than the smallest by ${spread}`);
      return problems;
    },
    activity: () => `${store.revision()} ${world.actions()}`,
    watchMarks: () => {
      const now = timeline.now();
      for (const host of hosts) {
        const isUpToDate = [...host.link.streams].some((stream) => stream.isUpToDate());
        const isFollowing = host.process()?.isRunning() === true && cluster.isServing() && isUpToDate;
        if (!isFollowing) disturbedUntil.set(host.name, Math.max(now, disturbedUntil.get(host.name) ?? 0));
      }
      const wrong = new Map<string, number>();
      for (const address of world.addresses) {
        for (const name of invariants.holdersOf(address)) {
          if (isMarked(name, address)) continue;
          const key = `${name} ${address}`;
          const since = wrongSince.get(key) ?? now;
          wrong.set(key, since);
          if (now - Math.max(since, disturbedUntil.get(name) ?? 0) > FOLLOW_MS)
            invariants.report('mark ignored', `${address} is on ${name}, and its mark says otherwise`);
        }
      }
      wrongSince = wrong;
    },
  };
}
