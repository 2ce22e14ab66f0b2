import type { Config } from '../config/config.ts';
import type { Address } from '../domain/address.ts';
import { compareAddresses } from '../domain/address.ts';
import type { Cluster } from '../domain/cluster.ts';
import { plan } from '../domain/plan.ts';
import { planInput, planOf } from '../domain/planning.ts';
import { CommandError, EXIT } from './exit.ts';
import { readNode, requireKnown } from './node-argument.ts';
import type { Operator } from './operator.ts';
import { count, printable, shortList } from './text.ts';
import { limitOf, type Outlook, untilDone, type Waiting, type WaitOptions } from './wait.ts';
import { readCluster, withEtcdToWrite } from './with-etcd.ts';

export interface DrainOptions extends WaitOptions {
  /** Although it leaves addresses without a holder, or the node is unknown. */
  readonly force?: boolean;
}

/** Has a node give every address up and take none, until it is resumed; by default the node of this host. */
export async function drain(
  config: Config,
  operator: Operator,
  given: string | undefined,
  options: DrainOptions,
): Promise<void> {
  const name = readNode(given ?? config.nodename);
  const limitMs = limitOf(options);
  await withEtcdToWrite(config, async (session) => {
    const before = await readCluster(session);
    if (options.force !== true) refuse(before, name);
    const wasDrained = before.drained.has(name);
    const key = session.keys.drain(name);
    await session.attempt(() => session.etcd.transact([], [{ kind: 'put', key, value: '' }]));
    const held = heldBy(before, name);
    const had = held.length === 0 ? 'no address' : count(held.length, 'address', 'addresses');
    const opening = `${name} ${wasDrained ? 'was drained already' : 'is drained now'}; it has ${had}`;
    if (options.wait === false) {
      operator.write(`${opening}\n`);
      return;
    }
    await untilDone(session, operator, waitingFor(before, name, opening, limitMs));
    operator.write(`${summary(await readCluster(session), name, held)}\n`);
  });
}

function refuse(cluster: Cluster, name: string): void {
  requireKnown(cluster, name, `; --force drains ${name} before it is there`);
  const homeless = homelessWithout(cluster, name);
  if (homeless.length === 0) return;
  const [{ reason }] = homeless as [(typeof homeless)[number]];
  const which = shortList(homeless.map(({ address }) => address));
  throw new CommandError(
    EXIT.failed,
    `draining ${name} would leave ${which} without a holder (${printable(reason)}); --force does it all the same`,
  );
}

/** Addresses that somebody could hold now, and nobody without this node. */
function homelessWithout(cluster: Cluster, name: string): ReturnType<typeof planOf>['unheld'] {
  const before = new Set(planOf(cluster).unheld.map(({ address }) => address));
  const { nodes, addresses } = planInput(cluster);
  const without = nodes.map((node) => (node.name === name ? { ...node, drained: true } : node));
  return plan(without, addresses).unheld.filter(({ address }) => !before.has(address));
}

/** Until the node has nothing, is advertised no more, and all that it had is where it can be. */
function waitingFor(before: Cluster, name: string, opening: string, limitMs: number | undefined): Waiting {
  const had = new Set(heldBy(before, name));
  const look = (cluster: Cluster): Outlook => {
    if (!cluster.drained.has(name)) {
      return { kind: 'failed', reason: `${name} is drained no more: somebody resumed it` };
    }
    const held = heldBy(cluster, name);
    if (held.length > 0) return { kind: 'waiting', left: `${name} has given up ${shortList(held)}` };
    if (cluster.nodes.has(name)) return { kind: 'waiting', left: `${name} is advertised no more` };
    const impossible = new Set(planOf(cluster).unheld.map(({ address }) => address));
    const open = [...had].filter(
      (address) => cluster.pool.has(address) && !cluster.guards.has(address) && !impossible.has(address),
    );
    if (open.length === 0) return { kind: 'done' };
    return { kind: 'waiting', left: `somebody holds ${shortList(open)}` };
  };
  return {
    opening,
    look,
    isOfInterest: (address) => had.has(address),
    before,
    limitMs,
    remains: `${name} stays drained and goes on giving up; "yaim resume ${name}" ends that`,
  };
}

function heldBy(cluster: Cluster, name: string): readonly Address[] {
  return [...cluster.guards.values()]
    .filter(({ holder }) => holder === name)
    .map(({ address }) => address)
    .sort(compareAddresses);
}

function summary(cluster: Cluster, name: string, had: readonly Address[]): string {
  const nobody = had.filter((address) => cluster.pool.has(address) && !cluster.guards.has(address));
  const warning = nobody.length === 0 ? '' : `; nobody holds ${shortList(nobody)}`;
  const agent = cluster.sessions.has(name) ? '' : ' (no agent of it runs)';
  return `${name} has no address and takes none${agent}${warning}; "yaim resume ${name}" ends that`;
}
