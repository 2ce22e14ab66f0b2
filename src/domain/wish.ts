import type { Address } from './address.ts';
import { type PlanAddress, type PlanNode, whyNotHost } from './eligibility.ts';
import { type Move, plan } from './plan.ts';

/** Addresses and the nodes on which an operator wants them. */
export type Wished = ReadonlyMap<Address, string>;

/** What would come of an operator's wish. */
export type Verdict =
  | { readonly kind: 'granted' }
  /** That node cannot have that address, whatever else moves. */
  | { readonly kind: 'impossible'; readonly reason: string }
  /**
   * The loads would be uneven, and the balance would take the address back or move others. `swap`: an address that the
   * node could give in exchange.
   */
  | { readonly kind: 'unbalanced'; readonly moves: readonly Move[]; readonly swap: Address | null };

/** How many addresses of a node are tried as an exchange. */
const TRIED = 200;

/** Whether addresses can be moved by wish so that nothing else moves and nothing moves back. */
export function weighWish(
  nodes: readonly PlanNode[],
  addresses: readonly PlanAddress[],
  wished: Wished,
): Verdict {
  const pool = addresses.map(({ asked: _, ...entry }) => entry);
  const reason = whyImpossible(nodes, pool, wished);
  if (reason !== undefined) return { kind: 'impossible', reason };
  const usual = new Set(plan(nodes, pool).moves.map(stepOf));
  const moves = sideEffects(nodes, pool, wished, usual);
  if (moves.length === 0) return { kind: 'granted' };
  const [[address, to] = [undefined, undefined]] = wished;
  const from = pool.find((entry) => entry.address === address)?.holder ?? null;
  if (wished.size > 1 || address === undefined || to === undefined || from === null) {
    return { kind: 'unbalanced', moves, swap: null };
  }
  // First what the balance itself would choose.
  const offered = moves.filter((move) => move.from === to && move.address !== address);
  const candidates = [
    ...offered.map((move) => move.address),
    ...pool.filter(({ holder }) => holder === to).map((entry) => entry.address),
  ].slice(0, TRIED);
  const swap = candidates.find((candidate) => {
    const entry = pool.find((other) => other.address === candidate);
    if (entry === undefined || whyNotOn(nodes, entry, from) !== undefined) return false;
    const both = new Map([...wished, [candidate, from] as const]);
    return sideEffects(nodes, pool, both, usual).length === 0;
  });
  return { kind: 'unbalanced', moves, swap: swap ?? null };
}

/** Why a node cannot have the address that is wished for it, or undefined. */
export function whyImpossible(
  nodes: readonly PlanNode[],
  addresses: readonly PlanAddress[],
  wished: Wished,
): string | undefined {
  for (const entry of addresses) {
    const to = wished.get(entry.address);
    const reason = to === undefined ? undefined : whyNotOn(nodes, entry, to);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function whyNotOn(nodes: readonly PlanNode[], entry: PlanAddress, to: string): string | undefined {
  if (entry.blocked !== undefined) return `it ${entry.blocked}`;
  const node = nodes.find(({ name }) => name === to);
  if (node === undefined) return `${to} is not among the nodes`;
  const reason = whyNotHost(node, entry);
  return reason === undefined ? undefined : `${to} ${reason}`;
}

/** What else would move, beside what moves without the wish; also the wished address where it would go elsewhere. */
function sideEffects(
  nodes: readonly PlanNode[],
  pool: readonly PlanAddress[],
  wished: Wished,
  usual: ReadonlySet<string>,
): readonly Move[] {
  const there = pool.map((entry) => ({ ...entry, holder: wished.get(entry.address) ?? entry.holder }));
  return plan(nodes, there).moves.filter((move) => wished.has(move.address) || !usual.has(stepOf(move)));
}

function stepOf({ address, to }: Move): string {
  return `${address} ${to}`;
}
