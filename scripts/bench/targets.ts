import { type Figure, type Summary, summaryOf } from './figure.ts';
import { HOLDERS } from './holders.ts';
import { PUT } from './put.ts';
import { START } from './start.ts';
import { THOUSAND } from './thousand.ts';

/** What yaim sets out to reach, and whether it did in this run. */
export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly reached: string;
  /** Undefined where the peer to compare with is missing. */
  readonly isMet: boolean | undefined;
}

const ONE_TRY = 'yaim, retry_num 1';
const DEFAULTS = 'yaim, defaults';
const TUNED = 'keepalived, VRRPv3, advert 0.1';
const UNTUNED = 'keepalived, defaults';
const FLOOR = 'the floor, a process of ip for each address';

type Find = (what: string, who: string) => Summary | undefined;

/** Of what was measured; each ratio is computed within the run. */
export function targetsOf(figures: readonly Figure[]): readonly Target[] {
  const find: Find = (what, who) => {
    const figure = figures.find((one) => one.what === what && one.who === who);
    return figure === undefined ? undefined : summaryOf(figure);
  };
  return [
    ...floorTargets(find),
    ...databaseTargets(find),
    most('planned move: without an answer', find('planned move: without an answer', DEFAULTS), 15),
    most('SIGTERM → answered from another node', find('SIGTERM → answered from another node', DEFAULTS), 25),
    ...deadTargets(find),
    ...worst(HOLDERS, find(HOLDERS, 'yaim, ttl 3000'), 0, 'ms'),
    ...restTargets(figures),
    ...worst(THOUSAND, find(THOUSAND, ONE_TRY), 1500, 'ms'),
    ...worst(START, find(START, DEFAULTS), 1000, 'ms'),
  ].filter((target) => target !== undefined);
}

function floorTargets(find: Find): readonly (Target | undefined)[] {
  const [yaim, floor] = [find(PUT, DEFAULTS), find(PUT, FLOOR)];
  if (yaim === undefined || floor === undefined) return [];
  const ratio = yaim.median / floor.median;
  return [
    {
      what: PUT,
      wanted: 'median at most 1.5 × the floor',
      reached: `${ratio.toFixed(2)} ×`,
      isMet: ratio <= 1.5,
    },
    { what: PUT, wanted: 'p99 at most 60 ms', reached: `${yaim.p99.toFixed(1)} ms`, isMet: yaim.p99 <= 60 },
  ];
}

function databaseTargets(find: Find): readonly (Target | undefined)[] {
  const answered = 'database killed → answered from another node';
  const yaim = find(answered, ONE_TRY);
  const peer = find(answered, TUNED);
  if (yaim === undefined) return [];
  return [
    most(answered, yaim, 60),
    {
      what: answered,
      wanted: 'a tenth of the best peer’s median',
      reached:
        peer === undefined
          ? 'keepalived is missing'
          : `${(yaim.median / peer.median).toFixed(2)} × keepalived`,
      isMet: peer === undefined ? undefined : yaim.median <= peer.median / 10,
    },
    most(`${answered} (defaults)`, find(answered, DEFAULTS), 2 * 250 + 60),
    most('database killed: without an answer', find('database killed: without an answer', ONE_TRY), 20),
  ];
}

function deadTargets(find: Find): readonly Target[] {
  const what = 'host dead → answered from another node';
  const [yaim, peer] = [find(what, 'yaim, ttl 3000'), find(what, UNTUNED)];
  if (yaim === undefined) return [];
  const reached = `${yaim.median.toFixed(0)} ms`;
  const wanted = 'ttl 3000 not slower than keepalived’s defaults';
  if (peer === undefined) return [{ what, wanted, reached, isMet: undefined }];
  const isMet = yaim.median <= peer.median;
  return [{ what, wanted, reached: `${reached}; keepalived ${peer.median.toFixed(0)} ms`, isMet }];
}

function restTargets(figures: readonly Figure[]): readonly Target[] {
  const of = (what: string, size: number) => {
    const who = `yaim, ${size} addresses on one node`;
    const figure = figures.find((one) => one.what === what && one.who === who);
    return figure === undefined ? undefined : summaryOf(figure);
  };
  const messages = figures.filter(({ what }) => what === 'at rest: messages to etcd per node').map(summaryOf);
  const least = Math.min(...messages.map(({ median }) => median));
  const largest = Math.max(...messages.map(({ median }) => median));
  const flat: Target = {
    what: 'at rest: messages to etcd per node',
    wanted: 'the same from 1 to 1,000 addresses',
    reached: `${least.toFixed(1)} to ${largest.toFixed(1)} a second`,
    isMet: largest <= 1.1 * least,
  };
  return [
    ...(messages.length === 0 ? [] : [flat]),
    ...worst('at rest, 100 addresses: CPU', of('at rest: CPU with its children', 100), 1, '% of a core'),
    ...worst('at rest, 1,000 addresses: CPU', of('at rest: CPU with its children', 1000), 6, '% of a core'),
    ...worst('at rest, 1,000 addresses: memory', of('at rest: resident memory', 1000), 110, 'MiB'),
  ];
}

function most(what: string, seen: Summary | undefined, limitMs: number): Target | undefined {
  if (seen === undefined) return undefined;
  const { median } = seen;
  return {
    what,
    wanted: `median at most ${limitMs} ms`,
    reached: `${median.toFixed(1)} ms`,
    isMet: median <= limitMs,
  };
}

function worst(what: string, seen: Summary | undefined, limit: number, unit: string): readonly Target[] {
  if (seen === undefined) return [];
  const { max } = seen;
  return [
    { what, wanted: `at most ${limit} ${unit}`, reached: `${max.toFixed(1)} ${unit}`, isMet: max <= limit },
  ];
}
