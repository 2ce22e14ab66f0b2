import type { Address } from './address.ts';
import type { Cluster } from './cluster.ts';
import { isStray } from './marks.ts';
import type { Plan } from './plan.ts';
import { holderOf } from './planning.ts';

/** What is odd about an address of the pool as it stands in etcd; null where nothing is. */
export function noteOn(cluster: Cluster, address: Address): string | null {
  const notes = [noteOnMark(cluster, address), noteOnHolder(cluster, address)];
  return notes.filter((note) => note !== undefined).join('; ') || null;
}

/** What the agents are about to do with an address, or why they cannot; null where it stays where it is. */
export function nextFor(cluster: Cluster, plan: Plan): (address: Address) => string | null {
  // A thousand addresses may all be about to move: looked up, not searched for.
  const impossible = new Map(plan.unheld.map(({ address, reason }) => [address, reason]));
  const moves = new Map(plan.moves.map((move) => [move.address, move]));
  return (address) => {
    const reason = impossible.get(address);
    if (reason !== undefined) return reason;
    const move = moves.get(address);
    if (move === undefined) return null;
    const doing = holderOf(cluster, address) === null ? `${move.to} is to take it` : `to move to ${move.to}`;
    return `${doing}: ${move.reason}`;
  };
}

/** Mark and guard are written together: where they disagree, somebody touched them. */
function noteOnMark(cluster: Cluster, address: Address): string | undefined {
  const mark = cluster.marks.get(address);
  const guard = cluster.guards.get(address);
  if (mark === undefined) return guard === undefined ? undefined : 'its mark was deleted by hand';
  if (guard === undefined) {
    return `marked for ${mark.holder} by hand${isStray(mark) ? ', on no lease' : ''}`;
  }
  return mark.holder === guard.holder ? undefined : `marked for ${mark.holder} by hand`;
}

function noteOnHolder(cluster: Cluster, address: Address): string | undefined {
  const guard = cluster.guards.get(address);
  if (guard === undefined || cluster.sessions.get(guard.holder)?.leaseId === guard.leaseId) return undefined;
  return `${guard.holder} does not answer for it; it is free once the lease ends`;
}
