import { concatMap, EMPTY, filter, from, type Subscription } from 'rxjs';
import { monotonicScheduler } from '../../../src/clock.ts';
import type { Cluster } from '../../../src/domain/cluster.ts';
import { type Keys, keysOf } from '../../../src/domain/keys.ts';
import { planOf } from '../../../src/domain/planning.ts';
import { formatGuard, formatPresence, formatSession } from '../../../src/domain/values.ts';
import type { Operation } from '../../../src/etcd/api.ts';
import { type EtcdClient, etcdClient } from '../../../src/etcd/client.ts';
import { follow$ } from '../../../src/streams/cluster.ts';

/** What of a running agent can be seen in etcd, without a kernel: it claims and gives back what the plan says. */
export interface SomeAgents {
  /** Healthy, and doing its part from now on. */
  readonly start: (name: string, health?: string) => Promise<void>;
  /** Everything that lies on its lease goes. */
  readonly end: (name: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface Running {
  readonly leaseId: string;
  readonly subscription: Subscription;
}

export function someAgents(endpoint: string, service: string): SomeAgents {
  const etcd = etcdClient({ endpoints: [endpoint], timeoutMs: 20_000 });
  const keys = keysOf(service);
  const running = new Map<string, Running>();

  const start = async (name: string, health = 'healthy'): Promise<void> => {
    const { leaseId } = await etcd.grant(60);
    const session = { instance: name, health, healthSince: '2026-01-01T10:00:00.000Z', occupied: [] };
    const put = { kind: 'put', key: keys.session(name), value: formatSession(session), leaseId } as const;
    await etcd.transact([], [put]);
    const subscription = follow$({ etcd, keys, scheduler: monotonicScheduler })
      .pipe(
        filter((event) => event.kind === 'cluster'),
        concatMap(({ cluster }) =>
          health === 'healthy' ? from(step(etcd, keys, { name, leaseId }, cluster)) : EMPTY,
        ),
      )
      .subscribe();
    running.set(name, { leaseId, subscription });
  };
  const end = async (name: string): Promise<void> => {
    const agent = running.get(name);
    running.delete(name);
    agent?.subscription.unsubscribe();
    if (agent !== undefined) await etcd.revoke(agent.leaseId);
  };
  return {
    start,
    end,
    stop: async () => {
      for (const name of running.keys()) await end(name);
      etcd.close();
    },
  };
}

async function step(
  etcd: EtcdClient,
  keys: Keys,
  { name, leaseId }: { readonly name: string; readonly leaseId: string },
  cluster: Cluster,
): Promise<void> {
  const isDrained = cluster.drained.has(name);
  const { moves } = planOf(cluster);
  const own = [...cluster.guards.values()].filter((guard) => guard.leaseId === leaseId);
  const leaving = own.filter(
    ({ address }) =>
      isDrained ||
      !cluster.pool.has(address) ||
      moves.some((move) => move.address === address && move.to !== name),
  );
  for (const { address, modRevision } of leaving) {
    await etcd.transact(
      [{ key: keys.guard(address), modRevision }],
      [
        { kind: 'delete', key: keys.guard(address) },
        { kind: 'delete', key: keys.mark(address) },
      ],
    );
  }
  if (isDrained) return void (await etcd.transact([], [{ kind: 'delete', key: keys.node(name) }]));
  if (!cluster.nodes.has(name)) {
    const presence = { instance: name, weight: 1, role: null, subnets: [], refuses: new Map() };
    const put: Operation = { kind: 'put', key: keys.node(name), value: formatPresence(presence), leaseId };
    await etcd.transact([{ key: keys.drain(name), exists: false }], [put]);
    return;
  }
  for (const { address, to } of moves) {
    if (to !== name || cluster.guards.has(address)) continue;
    const guard = formatGuard({ node: name, since: '2026-01-01T10:00:00.000Z' });
    await etcd.transact(
      [
        { key: keys.guard(address), exists: false },
        { key: keys.node(name), leaseId },
      ],
      [
        { kind: 'put', key: keys.guard(address), value: guard, leaseId },
        { kind: 'put', key: keys.mark(address), value: name, leaseId },
      ],
    );
  }
}
