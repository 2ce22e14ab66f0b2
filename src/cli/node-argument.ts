import { distance } from 'fastest-levenshtein';
import { readNodeName } from '../config/names.ts';
import type { Cluster } from '../domain/cluster.ts';
import { CommandError, EXIT } from './exit.ts';
import { shortList } from './text.ts';

/**
 * A node's name as typed, as the argument or option `what`.
 * @throws CommandError with status 64
 */
export function readNode(text: string, what = 'NODE'): string {
  const reading = readNodeName(text);
  if ('value' in reading) return reading.value;
  throw new CommandError(EXIT.usage, `${what} ${reading.refused}, got ${JSON.stringify(text)}`);
}

/** Every node of which etcd knows anything, sorted. */
export function knownNodes({ nodes, sessions, drained, guards }: Cluster): readonly string[] {
  const holders = [...guards.values()].map(({ holder }) => holder);
  return [...new Set([...nodes.keys(), ...sessions.keys(), ...drained, ...holders])].sort();
}

/**
 * That the node is there at all: most likely another one is meant.
 * @throws CommandError with status 1 and the nearest name
 */
export function requireKnown(cluster: Cluster, name: string, wayOut = ''): void {
  const why = whyUnknown(cluster, name);
  if (why !== undefined) throw new CommandError(EXIT.failed, `${why}${wayOut}`);
}

/** That there is no such node, with the nearest name; undefined where there is. */
export function whyUnknown(cluster: Cluster, name: string): string | undefined {
  const known = knownNodes(cluster);
  if (known.includes(name)) return undefined;
  const nearest = nearestTo(name, known);
  const hint = nearest === undefined ? 'known are' : `did you mean ${nearest}? Known are`;
  return `there is no node ${name}; ${known.length === 0 ? 'etcd knows of none' : `${hint} ${shortList(known)}`}`;
}

/** The name that is nearest, if it is near enough to be a slip. */
function nearestTo(name: string, known: readonly string[]): string | undefined {
  const scored = known.map((candidate) => ({
    candidate,
    score: distance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  const [best] = scored.sort((a, b) => a.score - b.score);
  return best !== undefined && best.score <= Math.max(2, name.length / 3) ? best.candidate : undefined;
}
