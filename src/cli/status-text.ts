import { type Attention, attentionOf } from '../domain/attention.ts';
import type { LostNode } from '../domain/lost.ts';
import type { NodeReport, NodeState } from '../domain/node-report.ts';
import type { Report } from '../domain/report.ts';
import {
  bold,
  count,
  dim,
  green,
  grouped,
  moment,
  optionsText,
  printable,
  red,
  shortList,
  table,
  yellow,
} from './text.ts';

const PAINT: Readonly<Record<NodeState, (text: string) => string>> = {
  healthy: green,
  starting: yellow,
  sick: red,
  drained: yellow,
  unreachable: red,
  stopped: yellow,
};

/** The state of the service, with nodes that died and of which etcd knows nothing any more. */
export interface Seen extends Report {
  readonly lost: readonly LostNode[];
}

/** The report for a person at `now` (ms since 1970); what needs attention first. */
export function statusText(report: Seen, now: number): string {
  const parts = [
    headline(report),
    attention(report),
    report.nodes.length + report.lost.length === 0 ? '' : nodeTable(report, now),
    report.addresses.length === 0 ? '' : addressTable(report, now),
    leavingText(report, now),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headline({ service, nodes, lost, addresses, spread }: Seen): string {
  if (nodes.length === 0 && addresses.length === 0) {
    return `${bold(service)}: no node and no address in etcd below this service. Is \`service\` what the agents have?`;
  }
  const healthy = nodes.filter(({ state }) => state === 'healthy').length;
  const held = addresses.filter(({ holder }) => holder !== null).length;
  return `${bold(service)}: ${healthy} of ${count(nodes.length + lost.length, 'node')} healthy, ${held} of ${count(addresses.length, 'address', 'addresses')} held, spread ${spread}`;
}

/** How many reasons for which a node cannot host addresses are told. */
const REASONS = 3;

/** In the order in which they are told. */
const LABELS: Readonly<Partial<Record<Attention['kind'], string>>> = {
  conflict: red('CONFLICT'),
  unheld: red('UNHELD  '),
  notice: yellow('NOTICE  '),
  ignored: yellow('IGNORED '),
};

/** Sick nodes stand in the table right below. */
function attention(report: Report): string {
  const all = attentionOf(report);
  return Object.entries(LABELS)
    .flatMap(([kind, label]) => {
      const ofKind = all.filter((attention) => attention.kind === kind);
      const sayings = grouped(ofKind.map(({ subject, text }) => [printable(subject), printable(text)]));
      return sayings.map(([subjects, text]) => `${label} ${subjects}: ${text}`);
    })
    .join('\n');
}

function nodeTable({ nodes, lost }: Seen, now: number): string {
  const rows = nodes.map((node) => [
    printable(node.name),
    PAINT[node.state](node.state),
    node.addresses.length === 0 ? '0' : `${node.addresses.length}: ${shortList(node.addresses)}`,
    nodes.some(({ weight }) => weight !== 1) ? String(node.weight) : '',
    printable(node.role ?? ''),
    moment(node.since, now),
    why(node),
  ]);
  const lostRows = lost.map(({ name, since, addresses }) => [
    ...[printable(name), red('lost'), '0', '', '', moment(since, now)],
    `its lease ended, and nothing is heard of it; ${count(addresses, 'address', 'addresses')} went to others`,
  ]);
  return table(['NODE', 'STATE', 'ADDRESSES', 'WEIGHT', 'ROLE', 'SINCE', 'WHY'], [...rows, ...lostRows]);
}

function why({ reason, refuses }: NodeReport): string {
  const refused = grouped(Object.entries(refuses)).map(([listed, text]) => `cannot host ${listed}: ${text}`);
  const more = refused.length > REASONS ? [`and ${refused.length - REASONS} more`] : [];
  return printable([...(reason === null ? [] : [reason]), ...refused.slice(0, REASONS), ...more].join('; '));
}

function addressTable({ addresses }: Report, now: number): string {
  return table(
    ['ADDRESS', 'HOLDER', 'SINCE', 'OPTIONS', 'NOTE'],
    addresses.map(({ address, holder, since, options, note, next }) => [
      address,
      holder === null ? red('nobody') : printable(holder),
      moment(since, now),
      printable(optionsText(options)),
      // Why nobody holds it stands at the top.
      yellow(printable([note, holder === null ? null : next].filter((text) => text !== null).join('; '))),
    ]),
  );
}

function leavingText({ leaving }: Report, now: number): string {
  return leaving
    .map(({ address, holder, since }) =>
      dim(`${address} is no longer in the pool; ${printable(holder)} has it since ${moment(since, now)}`),
    )
    .join('\n');
}
