import type { Config } from '../config/config.ts';
import type { Address } from '../domain/address.ts';
import type { Cluster } from '../domain/cluster.ts';
import { whyNotHost } from '../domain/eligibility.ts';
import { planInput, planOf } from '../domain/planning.ts';
import { readAddress } from './address-argument.ts';
import { CommandError, EXIT } from './exit.ts';
import { readNode, requireKnown } from './node-argument.ts';
import type { Operator } from './operator.ts';
import { holderIn, pooledAddress } from './placed-address.ts';
import { changeOptions } from './pool-options.ts';
import { optionsText } from './text.ts';
import { limitOf, type Outlook, untilDone, type WaitOptions } from './wait.ts';
import { readCluster, withEtcdToWrite } from './with-etcd.ts';

export interface IpPinOptions extends WaitOptions {
  /** Although the node cannot hold it now, or is unknown. */
  readonly force?: boolean;
}

/** Ties an address to a node: from then on only that node holds it, and nobody while that node cannot. */
export async function ipPin(
  config: Config,
  operator: Operator,
  text: string,
  nodeText: string,
  options: IpPinOptions,
): Promise<void> {
  readAddress(text);
  const name = readNode(nodeText);
  const limitMs = limitOf(options);
  await withEtcdToWrite(config, async (session) => {
    const before = await readCluster(session);
    const address = pooledAddress(before, text);
    const reason = whyNotOn(before, address, name);
    if (options.force !== true) refuse(before, address, name, reason);
    const change = await changeOptions(session, address, { node: name });
    const told = change.kind === 'unchanged' ? 'was pinned to' : 'is pinned to';
    const opening = `${address} ${told} ${name} (${optionsText(change.options)})`;
    if (options.wait === false) {
      operator.write(`${opening}\n`);
      return;
    }
    await untilDone(session, operator, {
      opening,
      look: (cluster) => lookAtPinned(cluster, address, name),
      isOfInterest: (other) => other === address,
      before,
      limitMs,
      remains: `the pin stays; "yaim ip unpin ${address}" takes it away`,
    });
    const after = await readCluster(session);
    if (holderIn(after, address) !== name) {
      operator.warn(
        `warning: nobody holds ${address} until ${name} can: ${whyNotOn(after, address, name) ?? ''}`,
      );
    }
  });
}

/** Unties it: it stays where it is as long as the balance leaves it there. */
export async function ipUnpin(
  config: Config,
  operator: Operator,
  text: string,
  options: WaitOptions,
): Promise<void> {
  readAddress(text);
  const limitMs = limitOf(options);
  await withEtcdToWrite(config, async (session) => {
    const before = await readCluster(session);
    const address = pooledAddress(before, text);
    const { kind } = await changeOptions(session, address, { node: null });
    const opening = `${address} ${kind === 'unchanged' ? 'is not pinned' : 'is pinned no more'}`;
    if (options.wait === false || kind === 'unchanged') {
      operator.write(`${opening}\n`);
      return;
    }
    await untilDone(session, operator, {
      opening,
      look: (cluster) => lookAtFree(cluster, address),
      isOfInterest: (other) => other === address,
      before,
      limitMs,
      remains: `the pin is gone`,
    });
  });
}

function refuse(cluster: Cluster, address: Address, name: string, reason: string | undefined): void {
  const wayOut = '; --force pins it all the same';
  requireKnown(cluster, name, wayOut);
  if (reason === undefined) return;
  throw new CommandError(
    EXIT.failed,
    `nobody could hold ${address} if it were pinned to ${name}: ${reason}${wayOut}`,
  );
}

/** Why the node could not hold the address, if it were pinned to it. */
function whyNotOn(cluster: Cluster, address: Address, name: string): string | undefined {
  const { nodes, addresses } = planInput(cluster);
  const entry = addresses.find((candidate) => candidate.address === address);
  if (entry === undefined) return `${address} is not in the pool`;
  if (entry.blocked !== undefined) return `it ${entry.blocked}`;
  const node = nodes.find((candidate) => candidate.name === name);
  if (node === undefined) return `no agent of ${name} runs`;
  const why = whyNotHost(node, { ...entry, options: { ...entry.options, node: name } });
  return why === undefined ? undefined : `${name} ${why}`;
}

function lookAtPinned(cluster: Cluster, address: Address, name: string): Outlook {
  if (cluster.pool.get(address)?.options.node !== name) {
    return {
      kind: 'failed',
      reason: `${address} is pinned to ${name} no more: somebody changed that meanwhile`,
    };
  }
  const holder = holderIn(cluster, address);
  const isPossible = whyNotOn(cluster, address, name) === undefined;
  if (holder === (isPossible ? name : null)) return { kind: 'done' };
  return {
    kind: 'waiting',
    left: isPossible ? `${name} has ${address}` : `${holder} has given ${address} up`,
  };
}

function lookAtFree(cluster: Cluster, address: Address): Outlook {
  const move = planOf(cluster).moves.find((candidate) => candidate.address === address);
  if (move === undefined) return { kind: 'done' };
  return { kind: 'waiting', left: `${move.to ?? 'nobody'} has ${address}` };
}
