import type { Config } from '../config/config.ts';
import type { Cluster } from '../domain/cluster.ts';
import { planOf } from '../domain/planning.ts';
import { readNode, requireKnown } from './node-argument.ts';
import type { Operator } from './operator.ts';
import { count, shortList } from './text.ts';
import { limitOf, type Outlook, untilDone, type WaitOptions } from './wait.ts';
import { readCluster, withEtcdToWrite } from './with-etcd.ts';

/** Ends a drain: the node takes its share again as soon as it is healthy. By default the node of this host. */
export async function resume(
  config: Config,
  operator: Operator,
  given: string | undefined,
  options: WaitOptions,
): Promise<void> {
  const name = readNode(given ?? config.nodename);
  const limitMs = limitOf(options);
  await withEtcdToWrite(config, async (session) => {
    const before = await readCluster(session);
    requireKnown(before, name);
    if (!before.drained.has(name)) {
      operator.write(`${name} is not drained\n`);
      return;
    }
    const key = session.keys.drain(name);
    const operations = [key, `${key}/`].map((path) => ({ kind: 'delete', key: path }) as const);
    await session.attempt(() => session.etcd.transact([], operations));
    const opening = `${name} is drained no more`;
    if (options.wait === false) {
      operator.write(`${opening}\n`);
      return;
    }
    await untilDone(session, operator, {
      opening,
      look: (cluster) => look(cluster, name),
      isOfInterest: (_address, _from, to) => to === name,
      before,
      limitMs,
      remains: `${name} is drained no more and takes its share when it can`,
    });
    operator.write(`${ending(await readCluster(session), name)}\n`);
  });
}

/** Until the node has its share. One that cannot have any now is not waited for. */
function look(cluster: Cluster, name: string): Outlook {
  if (cluster.drained.has(name)) {
    return { kind: 'failed', reason: `${name} is drained again: somebody did that meanwhile` };
  }
  if (whyNotNow(cluster, name) !== undefined) return { kind: 'done' };
  if (!cluster.nodes.has(name)) return { kind: 'waiting', left: `${name} is healthy` };
  const coming = planOf(cluster).moves.filter(({ to }) => to === name);
  if (coming.length === 0) return { kind: 'done' };
  return { kind: 'waiting', left: `${name} has ${shortList(coming.map(({ address }) => address))}` };
}

/** Why the node takes nothing for a while, or undefined. */
function whyNotNow({ sessions }: Cluster, name: string): string | undefined {
  const session = sessions.get(name);
  if (session === undefined) return 'no agent of it runs';
  return session.health === 'healthy' || session.health === 'unknown' ? undefined : session.health;
}

function ending(cluster: Cluster, name: string): string {
  const reason = whyNotNow(cluster, name);
  if (reason !== undefined) return `it takes its share once it is healthy; now it is not: ${reason}`;
  const held = [...cluster.guards.values()].filter(({ holder }) => holder === name).length;
  return `${name} has its share: ${count(held, 'address', 'addresses')}`;
}
