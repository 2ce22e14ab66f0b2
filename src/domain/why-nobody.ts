import { type PlanAddress, type PlanNode, whyNotHost } from './eligibility.ts';

const NAMED_REASONS = 3;
const NAMED_NODES = 3;
/** Of a pool that nobody can hold each address has a reason: it is not sought among a thousand nodes each time. */
const ASKED_NODES = 12;

/** Why no node may hold this address. */
export function whyNobody(nodes: readonly PlanNode[], entry: PlanAddress): string {
  const { node: pin, role } = entry.options;
  if (entry.blocked !== undefined) return `it ${entry.blocked}; nobody may hold it`;
  if (pin !== undefined) {
    const pinned = nodes.find(({ name }) => name === pin);
    const why = pinned === undefined ? 'is not among the nodes' : whyNotHost(pinned, entry);
    return `no healthy node can host it: ${pin} (pinned) ${why}`;
  }
  const nearest = role === undefined ? nodes : nodes.filter((node) => node.role === role);
  if (nearest.length === 0) {
    return `no healthy node can host it: ${role === undefined ? 'there are no nodes' : `no node has role ${role}`}`;
  }
  return `no healthy node can host it: ${whyEach(nearest, entry).join(', ')}`;
}

/** A reason of each kind, with the nodes that have it. */
function whyEach(nodes: readonly PlanNode[], entry: PlanAddress): readonly string[] {
  const { role } = entry.options;
  const suffix = role === undefined ? '' : ` (role ${role})`;
  const groups = new Map<string, string[]>();
  for (const node of nodes.slice(0, ASKED_NODES)) {
    const reason = whyNotHost(node, entry) ?? '';
    groups.set(reason, [...(groups.get(reason) ?? []), node.name]);
  }
  const named = [...groups].slice(0, NAMED_REASONS);
  const untold = nodes.length - named.reduce((sum, [, names]) => sum + names.length, 0);
  return [
    ...named.map(([reason, [first, ...others]]) => `${first}${suffix} ${reason}${likewise(others)}`),
    ...(untold === 0 ? [] : [`nor can ${untold} more`]),
  ];
}

function likewise(names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > NAMED_NODES ? ` and ${names.length - NAMED_NODES} more` : '';
  return ` (likewise ${names.slice(0, NAMED_NODES).join(', ')}${more})`;
}
