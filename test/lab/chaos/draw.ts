import type { Random } from '../../simulation/model/random.ts';
import { type FaultKind, faultRules, type Length } from './fault-kinds.ts';
import type { Fault } from './plan.ts';

/** Every kind comes once before one comes again; what found no place is tried first the next time. */
export function bagOf(kinds: readonly FaultKind[], random: Random) {
  const queue: FaultKind[] = [];
  return {
    /** The first that gives something. */
    draw<T>(attempt: (kind: FaultKind) => T | undefined): T | undefined {
      while (queue.length < 2 * kinds.length) queue.push(...shuffled(kinds, random));
      for (const [index, kind] of queue.entries()) {
        const drawn = attempt(kind);
        if (drawn === undefined) continue;
        queue.splice(index, 1);
        return drawn;
      }
      return undefined;
    },
  };
}

/** Draws targets and durations of faults. */
export function drawer(from: {
  readonly nodes: readonly string[];
  readonly members: readonly string[];
  readonly pool: readonly string[];
  readonly ttlMs: number;
  readonly random: Random;
}) {
  const { nodes, members, pool, ttlMs, random } = from;
  const one = (items: readonly string[]) => random.pick(items) ?? '';
  const targets = (kind: FaultKind): string[] => {
    switch (faultRules[kind].target) {
      case 'node':
        return [one(nodes)];
      case 'member':
        return [one(members)];
      case 'node and member':
        return [one(nodes), one(members)];
      case 'two members': {
        const spared = one(members);
        return members.filter((name) => name !== spared);
      }
      case 'address':
        return [one(pool)];
      case 'etcd':
        return [];
    }
  };
  return {
    pauseMs: (meanMs: number) => Math.round(random.between(0.2, 1.8) * meanMs),
    /** The first of a few draws that ends in time and is accepted. */
    fault(kind: FaultKind, atMs: number, endMs: number, accept: (fault: Omit<Fault, 'number'>) => boolean) {
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const durationMs = lengthMs(faultRules[kind].length, ttlMs, random);
        const fault = { kind, targets: targets(kind), atMs, durationMs, severity: random.next() };
        if (atMs + durationMs <= endMs && accept(fault)) return fault;
      }
      return undefined;
    },
  };
}

function lengthMs(length: Length, ttlMs: number, random: Random): number {
  switch (length) {
    case 'instant':
      return 0;
    case 'brief':
      return Math.round(random.between(500, 3000));
    case 'outage':
      return Math.round(random.between(100, 1.6 * ttlMs));
    case 'around ttl': {
      const around = random.next();
      if (around < 0.4) return Math.round(ttlMs + random.between(-700, 700));
      return Math.round(around < 0.7 ? random.between(200, ttlMs) : random.between(ttlMs, 2 * ttlMs));
    }
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const weighted = items.map((item) => ({ item, weight: random.next() }));
  return weighted.sort((a, b) => a.weight - b.weight).map(({ item }) => item);
}
