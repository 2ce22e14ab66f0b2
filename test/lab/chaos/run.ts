import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine } from '../support/agent.ts';
import type { Holding } from '../support/holdings.ts';
import { createLab, type Lab } from '../support/lab.ts';
import { type Agents, createAgents } from './agents.ts';
import { createClocks } from './clocks.ts';
import type { Inflicted } from './inflicted.ts';
import { quotaBytes } from './on-etcd.ts';
import type { Plan } from './plan.ts';
import { inventoryOf, remainsOf, strayKeys } from './remains.ts';
import { type Settlement, settle } from './settle.ts';
import { createStorm } from './storm.ts';

/** Everything that was seen of a run; what it means is computed from this alone. */
export interface Observation {
  readonly plan: Plan;
  /** The wall clock at the plan's time 0, when everything was shared out. */
  readonly startMs: number;
  /** When the last calm was over, before the agents were stopped. */
  readonly endMs: number;
  readonly inflicted: readonly Inflicted[];
  readonly mishaps: readonly string[];
  readonly holdings: readonly Holding[];
  readonly settlements: readonly Settlement[];
  readonly misbehaviour: readonly string[];
  readonly logs: Readonly<Record<string, readonly LogLine[]>>;
  /** What agents wrote that is no log line. */
  readonly noise: readonly string[];
  /** Found when every agent had stopped, and when the lab was taken down. */
  readonly leftovers: readonly string[];
  /** The load of the machine in the last minute, at the beginning and at each calm. */
  readonly loads: readonly number[];
}

export interface RunOptions {
  /** Says what happens. */
  readonly say?: (line: string) => void;
  /** For settling after the last fault; default what is left of the plan's last calm. */
  readonly patienceMs?: number;
  /** How long the last calm goes on once all is settled; default to its end. */
  readonly restMs?: number;
  readonly signals?: 'lab' | 'caller';
}

/** Makes a lab, lets the plan happen in it, and takes it down. */
export async function runChaos(plan: Plan, options: RunOptions = {}): Promise<Observation> {
  const lab = await createLab({
    hosts: plan.nodes.length,
    postgres: false,
    // Often there is no quorum: what people do by hand is in vain then, and not waited for.
    etcd: { members: 3, arguments: ['--quota-backend-bytes', `${quotaBytes}`], patienceSeconds: 3 },
    // The next run after a stop with keep comes within it, or not.
    agent: { ttl: plan.ttlMs, handover: plan.ttlMs + 1000 },
    pool: plan.pool,
    startAgents: false,
    signals: options.signals ?? 'lab',
  });
  let seen: Observation;
  let inventory: ReturnType<typeof inventoryOf>;
  try {
    seen = await observe(lab, plan, options);
    inventory = inventoryOf(lab);
  } finally {
    await lab.dispose();
  }
  return { ...seen, leftovers: [...seen.leftovers, ...remainsOf(inventory)] };
}

async function observe(
  lab: Lab,
  plan: Plan,
  { say = () => {}, patienceMs, restMs = Infinity }: RunOptions,
): Promise<Observation> {
  const stepped = plan.faults.filter(({ kind }) => kind === 'wall clock stepped');
  const clocks = createClocks(lab.directory, new Set(stepped.flatMap(({ targets }) => targets)));
  const agents = createAgents(lab, clocks.environmentOf);
  await Promise.all(plan.nodes.map(agents.start));
  const beginning = await settle(lab, plan, 60_000);
  if (beginning.settledMs === undefined)
    throw new Error(`the addresses were not shared out to begin with: ${beginning.situation}`);

  const startMs = Date.now();
  const storm = createStorm({ lab, plan, agents, clocks, startMs, say });
  const settlements: Settlement[] = [];
  const loads = [currentLoad()];
  let fromMs = 0;
  for (const [index, calm] of plan.calms.entries()) {
    await storm.rage(plan.faults.filter(({ atMs }) => atMs >= fromMs && atMs < calm.toMs));
    const isLast = index === plan.calms.length - 1;
    const calmMs = Math.max(1, startMs + calm.toMs - Date.now());
    const settlement = await settle(
      lab,
      plan,
      isLast ? Math.max(calmMs, patienceMs ?? 0) : calmMs,
      Math.max(startMs, ...storm.inflicted.map(({ endedMs = startMs }) => endedMs)),
    );
    say(
      settlement.settledMs === undefined
        ? 'NOT SETTLED'
        : `settled in ${settlement.settledMs - settlement.fromMs} ms`,
    );
    settlements.push(settlement);
    loads.push(currentLoad());
    const leftMs = Math.max(0, startMs + calm.toMs - Date.now());
    await delay(isLast ? Math.min(leftMs, restMs) : leftMs);
    fromMs = calm.toMs;
  }
  await lab.judge.catchUp();
  const endMs = Date.now();
  const leftovers = await stopAll(lab, plan, agents);
  return {
    plan,
    startMs,
    endMs,
    inflicted: storm.inflicted,
    mishaps: storm.mishaps,
    holdings: lab.judge.holdings(),
    settlements,
    misbehaviour: agents.misbehaviour,
    logs: Object.fromEntries(lab.hosts.map(({ name, agent }) => [name, agent.log])),
    noise: lab.hosts.flatMap(({ name, agent }) => agent.noise.map((line) => `${name}: ${line}`)),
    leftovers,
    loads,
  };
}

/** Ends all agents as an operator does and gives what they leave behind. */
async function stopAll(lab: Lab, plan: Plan, agents: Agents): Promise<string[]> {
  await Promise.all(plan.nodes.map((node) => agents.end(node, 'SIGTERM')));
  await lab.judge.catchUp();
  const keys = strayKeys(await lab.etcd.getPrefix(''), lab.service, plan.pool);
  return [
    ...plan.nodes.flatMap((node) => lab.judge.addressesOf(node).map((address) => `${address} on ${node}`)),
    ...keys.map((key) => `the key ${key}`),
  ];
}

function currentLoad(): number {
  return loadavg()[0] ?? 0;
}
