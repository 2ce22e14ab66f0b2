import { type FaultKind, faultRules } from './fault-kinds.ts';
import { effective, type Inflicted } from './inflicted.ts';
import type { Plan } from './plan.ts';
import { type Span, spansWhere } from './span.ts';

/** Without these no claim can be written, although every member may run. */
const withoutWrites: readonly FaultKind[] = ['leader’s disk stalled', 'etcd full (NOSPACE)'];

/**
 * When an address could have been held: two members of etcd are well and take writes, and at least one node has
 * neither a fault of its own nor lost its ways to all of these members. Known from what was inflicted, not from what
 * anybody noticed: a node counts again from the moment at which its fault was taken back.
 */
export function servableSpans(
  whole: Span,
  { nodes, members }: Pick<Plan, 'nodes' | 'members'>,
  inflicted: readonly Inflicted[],
): Span[] {
  const lasting = effective(inflicted).filter(({ fault }) => fault.durationMs > 0);
  const changes = lasting.flatMap(({ beganMs, endedMs }) => [beganMs, endedMs ?? whole.toMs]);
  return spansWhere(whole, changes, (moment) => {
    const active = lasting.filter(
      ({ beganMs, endedMs }) => beganMs <= moment && moment < (endedMs ?? whole.toMs),
    );
    if (active.some(({ fault }) => withoutWrites.includes(fault.kind))) return false;
    const hits = (rule: (kind: FaultKind) => boolean, name: string) =>
      active.some(({ fault }) => rule(fault.kind) && fault.targets.includes(name));
    const well = members.filter((member) => !hits(isOfMember, member));
    if (2 * well.length <= members.length) return false;
    const isCut = (node: string, member: string) =>
      active.some(
        ({ fault: { kind, targets } }) =>
          faultRules[kind].target === 'node and member' && targets[0] === node && targets[1] === member,
      );
    return nodes.some(
      (node) => !hits((kind) => faultRules[kind].unfits, node) && well.some((member) => !isCut(node, member)),
    );
  });
}

function isOfMember(kind: FaultKind): boolean {
  const { target } = faultRules[kind];
  return target === 'member' || target === 'two members';
}
