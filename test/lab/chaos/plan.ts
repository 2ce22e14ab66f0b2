import { randomOf } from '../../simulation/model/random.ts';
import { bagOf, drawer } from './draw.ts';
import { type FaultKind, faultKinds } from './fault-kinds.ts';
import { createOccupancy } from './occupancy.ts';

export interface Fault {
  /** Counts from 1 in the order of beginning. */
  readonly number: number;
  readonly kind: FaultKind;
  /** Nodes, members or addresses; empty for all of etcd. */
  readonly targets: readonly string[];
  /** Since the run's beginning. */
  readonly atMs: number;
  /** 0 for what is done in one moment. */
  readonly durationMs: number;
  /** From [0, 1), for whatever the kind leaves to chance. */
  readonly severity: number;
}

/** A time without faults, in which everything must settle. */
export interface Calm {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Plan {
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly members: readonly string[];
  readonly pool: readonly string[];
  readonly ttlMs: number;
  readonly durationMs: number;
  readonly faults: readonly Fault[];
  readonly calms: readonly Calm[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** 3 to 5; drawn when not given. */
  readonly nodes?: number;
  readonly ttlMs?: number;
  /** Kinds that are left out. */
  readonly without?: readonly FaultKind[];
  /** The mean time from one fault's beginning to the next one's. */
  readonly meanPauseMs?: number;
}

const members = ['etcd1', 'etcd2', 'etcd3'];
/** IPv4 and IPv6 in the hosts' own networks. */
const pool = [
  ...Array.from({ length: 9 }, (_, index) => `10.77.0.${101 + index}`),
  ...Array.from({ length: 3 }, (_, index) => `fd77::${101 + index}`),
];
const longestStormMs = 40_000;

/** What happens to whom and when: a pure function of its options. */
export function planOf(options: PlanOptions): Plan {
  const { seed, durationMs, ttlMs = 6000, without = [], meanPauseMs = 1800 } = options;
  const random = randomOf(seed);
  const nodeCount = options.nodes ?? 3 + Math.floor(random.fork('nodes').next() * 3);
  const nodes = Array.from({ length: nodeCount }, (_, index) => `db${index + 1}`);
  const kinds = faultKinds.filter((kind) => !without.includes(kind));
  if (kinds.length === 0) throw new Error('there is no kind of fault to draw from');
  const bag = bagOf(kinds, random.fork('kinds'));
  const { storms, calms } = stretches(durationMs, ttlMs);
  const draw = drawer({ nodes, members, pool, ttlMs, random: random.fork('faults') });
  const faults = storms.flatMap((storm) => {
    const occupancy = createOccupancy({ nodes, members });
    const drawn: Omit<Fault, 'number'>[] = [];
    for (let atMs = storm.fromMs; atMs < storm.toMs; atMs += draw.pauseMs(meanPauseMs)) {
      const fault = bag.draw((kind) => draw.fault(kind, atMs, storm.toMs, occupancy.take));
      if (fault !== undefined) drawn.push(fault);
    }
    return drawn;
  });
  const numbered = faults.map((fault, index) => ({ number: index + 1, ...fault }));
  return { seed, nodes, members, pool, ttlMs, durationMs, faults: numbered, calms };
}

/** How long a calm may take to settle: a lease, an etcd that comes back, a lease again, and sharing out. */
export function settleMs(ttlMs: number): number {
  return 2 * ttlMs + 9000;
}

/** Storms with a calm behind each, the last at the end. */
function stretches(durationMs: number, ttlMs: number) {
  const calmMs = settleMs(ttlMs);
  const rounds = Math.max(1, Math.round(durationMs / (longestStormMs + calmMs)));
  const roundMs = durationMs / rounds;
  const storms = Array.from({ length: rounds }, (_, index) => ({
    fromMs: Math.round(index * roundMs),
    toMs: Math.round((index + 1) * roundMs - calmMs),
  }));
  if (storms.some(({ fromMs, toMs }) => toMs - fromMs < 2 * ttlMs))
    throw new Error(`${durationMs} ms is too short for faults and for settling afterwards (${calmMs} ms)`);
  const calms = storms.map(({ toMs }) => ({ fromMs: toMs, toMs: toMs + calmMs }));
  return { storms, calms };
}
