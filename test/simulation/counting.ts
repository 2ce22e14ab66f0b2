import { Observable, tap } from 'rxjs';
import type { Etcd } from '../../src/etcd/api.ts';
import type { Variant } from './model/host.ts';
import { takeOverChance } from './run.ts';
import type { Scenario } from './scenario.ts';
import { traceOf } from './trace.ts';
import { type World, worldOf } from './world.ts';

/** What the agents of a world do: numbers that are the same on every machine. */
export interface Counts {
  /** Requests to etcd by kind; what a watch's stream carries is counted as what the watch tells. */
  readonly requests: Readonly<Record<string, number>>;
  /** Messages of watches with events in them, over all agents. */
  readonly watchMessages: number;
  /** How often the kernel was given something to do. */
  readonly kernelBatches: number;
  /** Changes of addresses by their kind: add, renew, remove. */
  readonly changes: Readonly<Record<string, number>>;
  /** How often the kernel's state came to the agents. */
  readonly kernelViews: number;
}

export interface CountedWorld extends World {
  readonly counts: () => Counts;
}

/** Hosts with a pool and nothing that goes wrong. */
const CALM: Scenario = {
  seed: 1,
  hosts: 3,
  addresses: 3,
  ttlMs: 6000,
  netmask: null,
  sharing: 'alike',
  faults: [],
};

/** Runs `body` in a world in which nothing goes wrong by itself, counting from its very beginning. */
export async function inCalmWorld(
  change: Partial<Scenario>,
  body: (world: CountedWorld) => Promise<void>,
  variant: Variant = (deps) => deps,
): Promise<void> {
  const scenario = { ...CALM, ...change };
  const undo = takeOverChance(scenario.seed);
  const tally = { watchMessages: 0, kernelBatches: 0, kernelViews: 0 };
  const changes = new Map<string, number>();
  const counting: Variant = (deps, host) => {
    const changed = variant(deps, host);
    return {
      ...changed,
      etcd: countingWatch(changed.etcd, () => {
        tally.watchMessages += 1;
      }),
      setter: {
        change: (interfaces, asked) => {
          tally.kernelBatches += 1;
          return changed.setter.change(interfaces, () => {
            const named = asked();
            for (const { kind } of named) changes.set(kind, (changes.get(kind) ?? 0) + 1);
            return named;
          });
        },
      },
      kernel$: (relist$) =>
        changed.kernel$(relist$).pipe(
          tap(() => {
            tally.kernelViews += 1;
          }),
        ),
    };
  };
  const world = worldOf(scenario, counting, traceOf(false));
  try {
    for (const host of world.hosts) host.start();
    const counts = (): Counts => ({
      requests: Object.fromEntries(world.requests),
      changes: Object.fromEntries(changes),
      ...tally,
    });
    await body({ ...world, counts });
  } finally {
    for (const host of world.hosts) host.kill();
    undo();
  }
}

/** What was done between two looks. */
export function between(before: Counts, after: Counts): Counts {
  return {
    requests: difference(before.requests, after.requests),
    watchMessages: after.watchMessages - before.watchMessages,
    kernelBatches: after.kernelBatches - before.kernelBatches,
    changes: difference(before.changes, after.changes),
    kernelViews: after.kernelViews - before.kernelViews,
  };
}

/** Only what there was any of. */
function difference(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const differences = Object.keys(after).map((key) => [key, (after[key] ?? 0) - (before[key] ?? 0)] as const);
  return Object.fromEntries(differences.filter(([, count]) => count !== 0));
}

function countingWatch(etcd: Etcd, count: () => void): Etcd {
  return {
    ...etcd,
    watch: (prefix, startRevision) =>
      new Observable((subscriber) =>
        etcd
          .watch(prefix, startRevision)
          .pipe(tap(({ events }) => events.length > 0 && count()))
          .subscribe(subscriber),
      ),
  };
}
