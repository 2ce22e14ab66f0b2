import type { Config } from '../config/config.ts';
import type { Address } from '../domain/address.ts';
import { type PlanAddress, type PlanNode, whyNotHost } from '../domain/eligibility.ts';
import { plan } from '../domain/plan.ts';
import { type Report, reportOf } from '../domain/report.ts';
import { readAddress } from './address-argument.ts';
import { CommandError, EXIT } from './exit.ts';
import { stateOf } from './plan-state.ts';
import { bold, count, moment, optionsText, printable, table } from './text.ts';
import { readCluster, withEtcd } from './with-etcd.ts';

/** Why an address is where it is, and what each node has to say to it. */
export async function explain(config: Config, text: string): Promise<void> {
  const address = readAddress(text);
  await withEtcd(config, async (session) => {
    const report = reportOf(config.service, await readCluster(session));
    process.stdout.write(explanation(report, address, Date.now()));
  });
}

function explanation(report: Report, address: Address, now: number): string {
  const { nodes, addresses } = stateOf(report);
  const entry = addresses.find((candidate) => candidate.address === address);
  if (entry === undefined) throw new CommandError(EXIT.failed, whyAbsent(report, address));
  const known = report.addresses.find((candidate) => candidate.address === address);
  const since = known?.since == null ? '' : ` since ${moment(known.since, now)}`;
  const options = optionsText(entry.options);
  const held =
    entry.holder === null ? `Nobody holds ${address}.` : `${entry.holder} holds ${address}${since}.`;
  const lines = [
    ...(options === '' ? [] : [`Its pool options: ${options}.`]),
    ...whatNext(nodes, addresses, entry),
    ...(known?.note == null ? [] : [`Note: ${known.note}.`]),
  ];
  const rows = nodes.map((node) => {
    const reported = report.nodes.find(({ name }) => name === node.name);
    return [
      printable(node.name),
      count(reported?.addresses.length ?? 0, 'address', 'addresses'),
      wordOf(node, entry, report),
    ];
  });
  const nodeTable = rows.length === 0 ? '' : `\n${table(['NODE', 'HAS', 'THIS ADDRESS'], rows)}\n`;
  return `${[bold(printable(held)), ...lines.map(printable)].join('\n')}\n${nodeTable}`;
}

function whatNext(
  nodes: readonly PlanNode[],
  addresses: readonly PlanAddress[],
  entry: PlanAddress,
): readonly string[] {
  const { moves, unheld } = plan(nodes, addresses);
  const impossible = unheld.find(({ address }) => address === entry.address);
  if (impossible !== undefined) return [`It stays without a holder: ${impossible.reason}.`];
  const move = moves.find(({ address }) => address === entry.address);
  const next =
    move === undefined
      ? `It stays there: ${whyThere(nodes, entry)}.`
      : `It goes to ${move.to}: ${move.reason}.`;
  const { prefer } = entry.options;
  if (prefer === undefined || prefer === (move?.to ?? entry.holder)) return [next];
  const why = whyNotPreferred(nodes, entry, prefer, move !== undefined);
  return [
    next,
    `It ${move === undefined ? 'is not on' : 'does not go to'} ${prefer}, which its pool options prefer: ${why}.`,
  ];
}

/** Why an address that somebody can host is not where its pool options would rather have it. */
function whyNotPreferred(
  nodes: readonly PlanNode[],
  entry: PlanAddress,
  prefer: string,
  isMoving: boolean,
): string {
  const preferred = nodes.find(({ name }) => name === prefer);
  if (preferred === undefined) return `there is no node ${prefer}`;
  const reason = whyNotHost(preferred, entry);
  if (reason !== undefined) return `${prefer} ${reason}`;
  if (preferred.weight === 0) return `${prefer} has weight 0`;
  return isMoving
    ? 'the loads would not be as even as they can be'
    : 'a preference alone takes it from nobody who holds it';
}

/** Why its holder is the one to have it. */
function whyThere(nodes: readonly PlanNode[], entry: PlanAddress): string {
  const { holder, options, asked } = entry;
  if (asked !== undefined && asked === holder) return `an operator asked for it to be on ${holder}`;
  if (options.node === holder) return `its pool options pin it to ${holder}`;
  const others = nodes.filter((node) => node.name !== holder && whyNotHost(node, entry) === undefined);
  if (others.length === 0) return `no other node can host it now`;
  const preferred = options.prefer === holder ? `its pool options prefer ${holder}, and ` : '';
  return `${preferred}the loads are as even as they can be, so no move would gain anything`;
}

function wordOf(node: PlanNode, entry: PlanAddress, { nodes }: Report): string {
  if (entry.blocked !== undefined) return printable(entry.blocked);
  const refusal = whyNotHost(node, entry);
  if (refusal === undefined) return entry.holder === node.name ? 'holds it' : 'can host it';
  const reason = node.healthy ? null : nodes.find(({ name }) => name === node.name)?.reason;
  return printable(reason == null ? refusal : `${refusal}: ${reason}`);
}

function whyAbsent({ problems, leaving }: Report, address: Address): string {
  const holder = leaving.find((entry) => entry.address === address)?.holder;
  if (holder !== undefined) return `${address} is not in the pool any more; ${holder} is to drop it`;
  const ignored = problems.find(({ key }) => key.endsWith(`/ips/${address}`));
  const hint =
    ignored === undefined ? `"yaim ip add ${address}" adds it` : `its key is ignored: ${ignored.problem}`;
  return `${address} is not in the pool; ${hint}`;
}
