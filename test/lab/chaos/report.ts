import type { Analysis } from './analysis.ts';
import { faultKinds } from './fault-kinds.ts';
import type { Inflicted } from './inflicted.ts';
import type { Plan } from './plan.ts';
import type { Observation } from './run.ts';
import type { KindCost, Unheld } from './unheld.ts';

/** What will happen, a line a fault. */
export function planText({ seed, nodes, members, pool, ttlMs, durationMs, faults, calms }: Plan): string {
  const missing = faultKinds.filter((kind) => !faults.some((fault) => fault.kind === kind));
  return [
    `seed ${seed}: ${nodes.length} nodes, ${members.length} etcd members, ${pool.length} addresses, ttl ${ttlMs} ms, ${seconds(durationMs)}, ${faults.length} faults`,
    ...faults.map(
      ({ number, kind, targets, atMs, durationMs: lastsMs }) =>
        `${String(number).padStart(4)} ${seconds(atMs).padStart(8)} ${(lastsMs === 0 ? 'at once' : seconds(lastsMs)).padStart(8)}  ${kind} ${targets.join(' ')}`,
    ),
    `calm: ${calms.map(({ fromMs, toMs }) => `${seconds(fromMs)} to ${seconds(toMs)}`).join(', ')}`,
    ...(missing.length === 0 ? [] : [`not drawn: ${missing.join(', ')}`]),
    '',
  ].join('\n');
}

/** What was seen, for people. */
export function reportText(seen: Observation, analysis: Analysis): string {
  const { plan, settlements, loads, inflicted, startMs } = seen;
  const inVain = inflicted.filter((one) => one.inVain !== undefined);
  const settled = settlements.map(({ fromMs, settledMs }) =>
    settledMs === undefined ? 'never' : seconds(settledMs - fromMs),
  );
  const errors = Object.entries(analysis.errors).map(([event, count]) => `${event} ${count}`);
  return [
    `seed ${plan.seed}: ${plan.nodes.length} nodes, ${inflicted.length - inVain.length} faults in ${seconds(seen.endMs - startMs)}, load ${loads.map((load) => load.toFixed(1)).join(' ')}`,
    `seconds with two holders: ${analysis.secondsWithTwoHolders}`,
    `takeovers: ${analysis.takeovers}; taken again by the same node: ${analysis.returns}`,
    `settled after each storm in: ${settled.join(', ')}`,
    `logged as error: ${errors.join(', ') || 'nothing'}`,
    `left behind: ${seen.leftovers.join(', ') || 'nothing'}`,
    '',
    costTable(analysis.costs),
    '',
    'longest times unheld with a fit node:',
    ...longest(analysis.unheld).map((gap) => unheldLine(gap, seen)),
    ...(seen.noise.length === 0 ? [] : ['', 'written by agents, and no log line:']),
    ...seen.noise.map((line) => `  ${line}`),
    ...(inVain.length === 0 ? [] : ['', 'in vain:']),
    ...inVain.map(
      ({ fault, inVain: why }) => `  ${fault.number} ${fault.kind} ${fault.targets.join(' ')}: ${why}`,
    ),
    '',
    ...(analysis.violations.length === 0 ? ['nothing was violated'] : ['VIOLATED:', ...analysis.violations]),
    '',
  ].join('\n');
}

const shownUnheld = 12;

function longest(unheld: readonly Unheld[]): Unheld[] {
  return [...unheld].sort((one, other) => other.servableMs - one.servableMs).slice(0, shownUnheld);
}

/** The columns are explained below the table, since nothing else would be honest. */
export function costTable(rows: readonly KindCost[]): string {
  const cell = (ms: number | undefined) => (ms === undefined ? '-' : (ms / 1000).toFixed(2)).padStart(8);
  const header = `${'longest time unheld, in seconds'.padEnd(36)} done vain gaps    fit ¹    all ¹    fit ²    all ²`;
  const lines = rows
    .filter(({ kind, gaps }) => kind !== 'none' || gaps > 0)
    .map((row) => {
      const counts = [row.inflicted, row.inVain, row.gaps]
        .map((count) => String(count).padStart(4))
        .join(' ');
      const alone = cell(row.aloneServableMs) + cell(row.aloneMs);
      const mixed = cell(row.mixedServableMs) + cell(row.mixedMs);
      return `${(row.kind === 'none' ? 'no fault up to a ttl before' : row.kind).padEnd(36)} ${counts}${alone}${mixed}`;
    });
  return [
    header,
    ...lines,
    '¹ no other kind of fault up to a ttl before it nor meanwhile   ² among others, which may be the reason',
    'fit: while etcd took writes and a node without a fault was there   all: also without',
  ].join('\n');
}

function unheldLine(
  { address, before, after, fromMs, ms, servableMs, causes, during }: Unheld,
  seen: Observation,
) {
  const names = (numbers: readonly number[]) =>
    numbers.map((number) => name(seen.inflicted.find(({ fault }) => fault.number === number))).join(', ') ||
    'no fault';
  const meanwhile = during.length === 0 ? '' : `; meanwhile ${names(during)}`;
  return `  ${seconds(servableMs)} of ${seconds(ms)} from ${seconds(fromMs - seen.startMs)}: ${address}, ${before} to ${after ?? 'nobody'}, after ${names(causes)}${meanwhile}`;
}

function name(one: Inflicted | undefined): string {
  return one === undefined ? '?' : `${one.fault.number} ${one.fault.kind} (${one.hit})`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
