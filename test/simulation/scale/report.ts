import type { Episode } from './crowd.ts';
import { EPISODES, type Measured } from './measure.ts';

/** Tables in Markdown: what was measured, and in the last column how it grew from the last but one size to the last. */
export function tablesOf(all: readonly Measured[]): string {
  return [
    ...EPISODES.map((name) => tableOf(name, all, rowsOf(name))),
    tableOf('at rest', all, restRows),
  ].join('\n\n');
}

export type Row = readonly [what: string, value: (measured: Measured) => number];

export function rowsOf(name: (typeof EPISODES)[number]): readonly Row[] {
  const of = (what: string, value: (episode: Episode) => number): Row => [
    what,
    ({ episodes }) => value(episodes[name]),
  ];
  return [
    of('addresses claimed', ({ claims }) => claims),
    of('addresses given back', ({ releases }) => releases),
    of('nodes that write', ({ writers }) => writers),
    of('transactions', ({ transactions }) => transactions),
    of('of them failed', ({ failed }) => failed),
    of('messages to each watcher', ({ messages }) => messages),
    of('key changes in them', ({ events }) => events),
    of('kB in them', ({ bytes }) => bytes / 1000),
    ['messages to all watchers', ({ nodes, episodes }) => nodes * episodes[name].messages],
    ['MB to all watchers', ({ nodes, episodes }) => (nodes * episodes[name].bytes) / 1e6],
    of('one message, ms', ({ messageMs }) => messageMs),
    of('one plan, ms', ({ planMs }) => planMs),
    [
      'the same, every address preferring a node, ms',
      ({ preferringPlanMs }) => preferringPlanMs[name] ?? Number.NaN,
    ],
    of('one decision, ms', ({ decideMs }) => decideMs),
  ];
}

const restRows: readonly Row[] = [
  ['keys in etcd', ({ keys }) => keys],
  ['MB in a list of them', ({ bytes, keys }) => (bytes + 30 * keys) / 1e6],
];

function tableOf(title: string, all: readonly Measured[], rows: readonly Row[]): string {
  return [
    `| ${title} | ${all.map(({ nodes }) => `${nodes} nodes`).join(' | ')} | grows as |`,
    `|---|${all.map(() => '--:').join('|')}|---|`,
    ...rows.map(
      ([what, value]) =>
        `| ${what} | ${all.map((one) => short(value(one))).join(' | ')} | ${growthOf(all.map(value), all)} |`,
    ),
  ].join('\n');
}

/** "n^0.98": the slope between the last two sizes, on logarithmic axes. */
export function growthOf(values: readonly number[], all: readonly Measured[]): string {
  const [before = 0, last = 0] = values.slice(-2);
  const [few = 0, many = 0] = all.slice(-2).map(({ nodes }) => nodes);
  if (!(before > 0) || !(last > 0) || few === many) return '–';
  const exponent = Math.log(last / before) / Math.log(many / few);
  return Math.abs(exponent) < 0.05 ? 'stays' : `n^${exponent.toFixed(1)}`;
}

function short(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (value === 0 || (Number.isInteger(value) && value < 10_000)) return String(value);
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(2);
}
