import type { Address } from './address.ts';
import type { Cluster } from './cluster.ts';

/**
 * healthy: takes addresses. starting: its agent has no verdict on the database yet, or has not told it yet.
 * unreachable: something of it is in etcd, but no agent answers for it. stopped: drained, and no agent runs.
 */
export type NodeState = 'healthy' | 'starting' | 'sick' | 'drained' | 'unreachable' | 'stopped';

export interface NodeReport {
  readonly name: string;
  readonly state: NodeState;
  /** Why it is in this state, where that needs words. */
  readonly reason: string | null;
  /** Since when the verdict on its database stands, ISO time by its own clock. */
  readonly since: string | null;
  readonly healthy: boolean;
  readonly drained: boolean;
  readonly weight: number;
  readonly role: string | null;
  readonly subnets: readonly string[];
  /** Addresses that it cannot host now, with the reason. */
  readonly refuses: Readonly<Record<string, string>>;
  readonly addresses: readonly Address[];
}

/** Every node of which anything is known, by name. */
export function nodeReports(
  cluster: Cluster,
  held: ReadonlyMap<string, readonly Address[]>,
): readonly NodeReport[] {
  const { nodes, sessions, drained } = cluster;
  const names = new Set([...nodes.keys(), ...sessions.keys(), ...drained, ...held.keys()]);
  return [...names].sort().map((name) => {
    const presence = nodes.get(name);
    const session = sessions.get(name);
    const { state, reason } = stateOf(cluster, name);
    return {
      name,
      state,
      reason,
      since: session?.healthSince ?? null,
      // A drained node has no presence; whether it could take addresses otherwise is known all the same.
      healthy: presence !== undefined || (state === 'drained' && session?.health === 'healthy'),
      drained: drained.has(name),
      weight: presence?.weight ?? 1,
      role: presence?.role ?? null,
      subnets: presence?.subnets ?? [],
      refuses: Object.fromEntries(presence?.refuses ?? []),
      addresses: held.get(name) ?? [],
    };
  });
}

interface State {
  readonly state: NodeState;
  readonly reason: string | null;
}

function stateOf({ nodes, sessions, drained }: Cluster, name: string): State {
  const session = sessions.get(name);
  const isDrained = drained.has(name);
  if (session === undefined) {
    if (isDrained && !nodes.has(name)) return { state: 'stopped', reason: 'drained, and no agent runs' };
    return { state: 'unreachable', reason: 'no agent answers for it' };
  }
  const isSick = session.health !== 'healthy' && session.health !== 'unknown';
  if (isDrained) return { state: 'drained', reason: isSick ? `sick as well: ${session.health}` : null };
  if (isSick) return { state: 'sick', reason: session.health };
  if (nodes.has(name)) return { state: 'healthy', reason: null };
  return {
    state: 'starting',
    reason: session.health === 'healthy' ? 'healthy, not advertised yet' : 'its database was not checked yet',
  };
}
