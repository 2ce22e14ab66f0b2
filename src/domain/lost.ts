import type { Takeover } from './history.ts';

/** A node that died or was cut off with addresses, and has not come back. */
export interface LostNode {
  readonly name: string;
  /** When the others saw that its lease was over, ISO time by the clock of one of them. */
  readonly since: string;
  /** How many of its addresses went to others. */
  readonly addresses: number;
}

/** After that it is history: whoever took a node away for good is not reminded for ever. */
const REMEMBERED_MS = 24 * 3600 * 1000;

/**
 * Nodes that are missing. In etcd nothing is left of a node whose lease is over; but its takers have told whose
 * addresses they took, and why.
 * @param present all nodes of which etcd knows
 * @param takeovers oldest first
 * @param now ms since 1970
 */
export function lostNodes(
  present: readonly { readonly name: string }[],
  takeovers: readonly Takeover[],
  now: number,
): readonly LostNode[] {
  const lost = new Map<string, LostNode>();
  const names = new Set(present.map(({ name }) => name));
  for (const { from, to, cause, at } of takeovers) {
    lost.delete(to);
    if (from === null || names.has(from)) continue;
    const known = lost.get(from);
    // Who gives an address back stops in order.
    if (cause !== 'expired') lost.delete(from);
    else lost.set(from, { name: from, since: known?.since ?? at, addresses: (known?.addresses ?? 0) + 1 });
  }
  return [...lost.values()]
    .filter(({ since }) => now - Date.parse(since) < REMEMBERED_MS)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
