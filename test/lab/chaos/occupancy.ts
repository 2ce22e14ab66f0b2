import { faultRules } from './fault-kinds.ts';
import type { Fault } from './plan.ts';

type Drawn = Omit<Fault, 'number'>;

/** So long after its planned end a fault is taken to last still: starting a server again takes its time. */
const afterglowMs = 2500;

export interface Occupancy {
  /** Takes the fault in if it may overlap with all those taken before. */
  take(fault: Drawn): boolean;
}

/**
 * Which faults may overlap: not two of one thing, and never so many that no node is left that could hold an
 * address. Several on etcd's members may well leave it without its quorum.
 */
export function createOccupancy(all: {
  readonly nodes: readonly string[];
  readonly members: readonly string[];
}): Occupancy {
  const taken: { readonly fault: Drawn; readonly things: ReadonlySet<string> }[] = [];
  return {
    take(fault) {
      const things = thingsOf(fault, all);
      const others = taken.filter((other) => isOverlapping(other.fault, fault));
      if (others.some((other) => [...things].some((thing) => other.things.has(thing)))) return false;
      const unfit = [...others.map((other) => other.fault), fault].filter(
        ({ kind }) => faultRules[kind].unfits,
      );
      if (new Set(unfit.flatMap(({ targets }) => targets)).size >= all.nodes.length) return false;
      taken.push({ fault, things });
      return true;
    },
  };
}

/** What the fault holds, each by its name: no two that hold the same may overlap. */
export function thingsOf(
  { kind, targets }: Drawn,
  { nodes, members }: { readonly nodes: readonly string[]; readonly members: readonly string[] },
): Set<string> {
  const { occupies, target } = faultRules[kind];
  const paths = (node: string) => members.map((member) => `${node} ${member}`);
  const every = {
    agent: nodes,
    database: nodes,
    cable: nodes,
    clock: nodes,
    member: members,
    path: nodes.flatMap(paths),
  };
  return new Set(
    occupies.flatMap((pattern) => {
      const group = pattern.slice(0, -2) as keyof typeof every;
      const [first = ''] = targets;
      if (group === 'path')
        return target === 'node' ? named(group, paths(first)) : named(group, [targets.join(' ')]);
      // A fault of a node that also needs etcd whole, or one of all etcd, holds every member.
      return named(
        group,
        group === 'member' && (target === 'node' || target === 'etcd') ? every.member : targets,
      );
    }),
  );
}

function named(group: string, names: readonly string[]): string[] {
  return names.map((name) => `${group} ${name}`);
}

function isOverlapping(one: Drawn, other: Drawn): boolean {
  const end = ({ atMs, durationMs }: Drawn) => atMs + durationMs + afterglowMs;
  return one.atMs < end(other) && other.atMs < end(one);
}
