import type { EtcdAction } from './action.ts';
import type { Address } from './address.ts';
import { type Cluster, type Guard, NO_LEASE } from './cluster.ts';
import { isStray, strayMarks } from './marks.ts';
import type { View } from './view.ts';

/** Marks and guards that no lease would ever end, and that nothing needs: the node that they name deletes them, else the first one. */
export function decideTidying(
  { planned, settings }: View,
  isOnInterface: ReadonlySet<Address>,
): readonly EtcdAction[] {
  if (planned === null) return [];
  const { cluster, endlessGuards } = planned;
  const strays = strayMarks(cluster.marks);
  if (strays.length + endlessGuards.length === 0) return [];
  const [first] = [...cluster.nodes.keys()].sort();
  const marks = strays.flatMap((mark) => {
    if (cluster.pool.has(mark.address) || cluster.guards.has(mark.address)) return [];
    const tidier = cluster.nodes.has(mark.holder) ? mark.holder : first;
    if (tidier !== settings.nodename) return [];
    const reason = `${mark.address} is in the pool no more and no lease ends its mark`;
    return [tidy('mark', mark, reason)];
  });
  const guards = endlessGuards.flatMap((guard) => {
    // Who may have the address knows best when it has let it go.
    const tidier = isAlive(cluster, guard.holder) ? guard.holder : first;
    if (tidier !== settings.nodename || isOnInterface.has(guard.address) || isInUse(cluster, guard))
      return [];
    return [tidy('guard', guard, `no lease ends the guard of ${guard.address}`)];
  });
  return [...marks, ...guards];
}

/** Whoever had the address gives his mark back when it is off his interface; else the mark ends with his lease. */
function isInUse({ marks }: Cluster, { address }: Guard): boolean {
  const mark = marks.get(address);
  return mark !== undefined && !isStray(mark);
}

function isAlive({ sessions }: Cluster, name: string): boolean {
  return (sessions.get(name)?.leaseId ?? NO_LEASE) !== NO_LEASE;
}

function tidy(
  what: 'mark' | 'guard',
  { address, modRevision }: Pick<Guard, 'address' | 'modRevision'>,
  reason: string,
): EtcdAction {
  return { kind: 'tidy', what, address, modRevision, reason };
}
