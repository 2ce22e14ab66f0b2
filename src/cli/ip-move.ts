import type { Config } from '../config/config.ts';
import type { Address } from '../domain/address.ts';
import type { Cluster } from '../domain/cluster.ts';
import { planInput } from '../domain/planning.ts';
import { formatWish } from '../domain/values.ts';
import { type Wished, weighWish, whyImpossible } from '../domain/wish.ts';
import { EtcdError } from '../etcd/api.ts';
import { readAddress } from './address-argument.ts';
import { durationText } from './duration.ts';
import { CommandError, EXIT } from './exit.ts';
import { ipPin } from './ip-pin.ts';
import { readNode, requireKnown } from './node-argument.ts';
import type { Operator } from './operator.ts';
import { holderIn, pooledAddress } from './placed-address.ts';
import { limitOf, type Outlook, untilDone, type WaitOptions } from './wait.ts';
import { refusalOf } from './wish-refusal.ts';
import { type EtcdSession, readCluster, withEtcdToWrite } from './with-etcd.ts';

export interface IpMoveOptions extends WaitOptions {
  /** Not once, but for good. */
  readonly pin?: boolean;
  /** An address of that node that goes the other way. */
  readonly swap?: string;
}

/** How long the wish lives: it ends by itself, so that nothing of it can stay behind. */
const USUAL_LIMIT_MS = 30_000;
/** However short the command waits, the agents see the wish. */
const SHORTEST_LEASE_SECONDS = 5;

/** Moves an address to a node once; it stays there as long as an address stays anywhere. */
export async function ipMove(
  config: Config,
  operator: Operator,
  text: string,
  nodeText: string,
  options: IpMoveOptions,
): Promise<void> {
  const { pin, swap, ...waitOptions } = options;
  if (pin === true && swap !== undefined) {
    throw new CommandError(
      EXIT.usage,
      '--pin and --swap exclude each other: what is pinned needs no exchange',
    );
  }
  if (pin === true) return ipPin(config, operator, text, nodeText, waitOptions);
  readAddress(text);
  if (swap !== undefined) readAddress(swap);
  const name = readNode(nodeText);
  const limitMs = limitOf(options) ?? USUAL_LIMIT_MS;
  await withEtcdToWrite(config, async (session) => {
    const before = await readCluster(session);
    const address = pooledAddress(before, text);
    requireKnown(before, name);
    if (holderIn(before, address) === name && swap === undefined) {
      operator.write(`${address} is on ${name} already\n`);
      return;
    }
    const wished = wishedWith(before, address, name, swap);
    const refusal = refusalOf(weighWish(...inputOf(before), wished), address, name);
    if (refusal !== undefined) throw new CommandError(EXIT.failed, refusal);
    await carryOut(session, operator, { before, wished, limitMs, wait: options.wait !== false });
  });
}

function inputOf(cluster: Cluster) {
  const { nodes, addresses } = planInput(cluster);
  return [nodes, addresses] as const;
}

function wishedWith(cluster: Cluster, address: Address, to: string, swap: string | undefined): Wished {
  if (swap === undefined) return new Map([[address, to]]);
  const other = pooledAddress(cluster, swap);
  const [from, owner] = [holderIn(cluster, address), holderIn(cluster, other)];
  if (from === null) throw new CommandError(EXIT.failed, `nobody holds ${address}: there is nothing to swap`);
  if (owner !== to || from === to) {
    const where = owner === null ? 'nobody holds it' : `${owner} holds it`;
    throw new CommandError(
      EXIT.failed,
      `${other} cannot be swapped for ${address}, which is on ${from}: ${where}, not ${to}`,
    );
  }
  return new Map([
    [address, to],
    [other, from],
  ]);
}

interface Order {
  readonly before: Cluster;
  readonly wished: Wished;
  readonly limitMs: number;
  readonly wait: boolean;
}

async function carryOut(session: EtcdSession, operator: Operator, order: Order): Promise<void> {
  const { etcd, keys, attempt } = session;
  const { before, wished, limitMs } = order;
  const seconds = Math.max(SHORTEST_LEASE_SECONDS, Math.ceil(limitMs / 1000));
  const { leaseId } = await attempt(() => etcd.grant(seconds));
  const operations = [...wished].map(
    ([address, to]) =>
      ({ kind: 'put', key: keys.wish(address), value: formatWish({ to }), leaseId }) as const,
  );
  await attempt(() => etcd.transact([], operations));
  const what = [...wished].map(([address, to]) => `${address} to ${to}`).join(' and ');
  if (!order.wait) {
    operator.write(`asked to move ${what}; the agents may do it within ${durationText(seconds * 1000)}\n`);
    return;
  }
  try {
    await untilDone(session, operator, {
      opening: `moving ${what}`,
      look: (cluster) => look(cluster, wished),
      isOfInterest: (address) => wished.has(address),
      before,
      limitMs,
      remains: `the wish to move ${what} is withdrawn`,
    });
  } finally {
    await withdraw(session, operator, leaseId, seconds);
  }
}

function look(cluster: Cluster, wished: Wished): Outlook {
  const missing = [...wished].filter(([address, to]) => holderIn(cluster, address) !== to);
  if (missing.length === 0) return { kind: 'done' };
  for (const [address] of missing) {
    if (!cluster.pool.has(address))
      return { kind: 'failed', reason: `${address} was taken out of the pool meanwhile` };
  }
  const reason = whyImpossible(...inputOf(cluster), wished);
  if (reason !== undefined) return { kind: 'failed', reason };
  return { kind: 'waiting', left: missing.map(([address, to]) => `${to} has ${address}`).join(' and ') };
}

/** A wish that came true, or that nobody waits for, has no business in etcd. */
async function withdraw(
  { etcd, attempt }: EtcdSession,
  operator: Operator,
  leaseId: string,
  seconds: number,
): Promise<void> {
  try {
    await attempt(() => etcd.revoke(leaseId));
  } catch (error) {
    const cause = error instanceof CommandError ? error.cause : undefined;
    if (!(cause instanceof EtcdError)) throw error;
    if (cause.kind === 'lease-not-found') return;
    operator.warn(
      `the wish could not be withdrawn (${cause.message}); it ends by itself within ${seconds} s`,
    );
  }
}
