import { parseArgs } from 'node:util';
import { describe, failureReport, tallyOf } from '../test/simulation/report.ts';
import { run } from '../test/simulation/run.ts';
import { etcdCost } from '../test/simulation/scale/etcd-cost.ts';
import { runScale } from '../test/simulation/scale/run.ts';
import { FAULT_KINDS, type ScenarioOptions, scenarioOf } from '../test/simulation/scenario.ts';

/** npm run simulate: the deterministic simulation for as many seeds as wanted. See `npm run simulate -- --help`. */

const help = `npm run simulate -- [OPTION]

Many agents in virtual time, with faults drawn from a seed; ends with 1 when a rule was broken.

  --seeds N    how many worlds; default 1000
  --seed N     the first of them; default 1
  --nodes N    hosts of each; default: drawn, as are the next three
  --ips N      addresses of each
  --faults N   at most so many faults
  --within MS  all of them within so much virtual time
  --trace      tells all that happens
  --unheld     measures how long addresses are on no host, by kind of fault
  --scale      measures instead how plan, decision and traffic grow up to 1,000 nodes, or --nodes;
               with --etcd what a real etcd spends for that
  --picture F  where --scale draws it; default scale.svg
  --help       this text`;

const values = readOptions();
const options: ScenarioOptions = {
  ...(values.nodes === undefined ? {} : { hosts: values.nodes }),
  ...(values.ips === undefined ? {} : { addresses: values.ips }),
  ...(values.faults === undefined ? {} : { mostFaults: values.faults }),
  ...(values.within === undefined ? {} : { withinMs: values.within }),
};
const { seed: first, seeds } = values;

if (values.scale && values.etcd) {
  console.log(await etcdCost());
} else if (values.scale) {
  await runScale({ most: values.nodes ?? 1000, picture: values.picture });
} else {
  process.exitCode = values.unheld ? await measureUnheld() : await explore();
}

async function explore(): Promise<number> {
  const tally = tallyOf();
  const startedAt = performance.now();
  let failures = 0;
  // The figures so far, and the status that belongs to them.
  let isOver = false;
  process.once('SIGINT', () => {
    isOver = true;
  });
  for (let seed = first; seed < first + seeds && !isOver; seed += 1) {
    const scenario = scenarioOf(seed, options);
    const outcome = await run(scenario, { trace: values.trace });
    tally.add(scenario, outcome);
    if (values.trace) console.log([describe(scenario), ...outcome.trace].join('\n'));
    if (outcome.violation === undefined) continue;
    failures += 1;
    console.log(await failureReport(seed, options));
  }
  for (const line of tally.lines((performance.now() - startedAt) / 1000)) console.log(line);
  console.log(failures === 0 ? 'no rule was broken' : `${failures} seeds broke a rule`);
  return failures === 0 ? 0 : 1;
}

/** One fault at a time: how long an address is on no host at the longest. */
async function measureUnheld(): Promise<number> {
  console.log(`longest time unheld with one fault of the kind, in ${seeds} runs each, default ttl`);
  for (const kind of FAULT_KINDS) {
    let longestMs = 0;
    for (let seed = first; seed < first + seeds; seed += 1) {
      const single = { ...options, kinds: [kind], mostFaults: 1, ttlMs: 6000 };
      const { unheldMs } = await run(scenarioOf(seed, single));
      longestMs = Math.max(longestMs, unheldMs);
    }
    console.log(`${kind.padEnd(26)} ${(longestMs / 1000).toFixed(2).padStart(6)} s`);
  }
  return 0;
}

function readOptions() {
  try {
    const { values: given } = parseArgs({
      options: {
        nodes: { type: 'string' },
        ips: { type: 'string' },
        seeds: { type: 'string', default: '1000' },
        seed: { type: 'string', default: '1' },
        faults: { type: 'string' },
        within: { type: 'string' },
        trace: { type: 'boolean', default: false },
        unheld: { type: 'boolean', default: false },
        scale: { type: 'boolean', default: false },
        etcd: { type: 'boolean', default: false },
        picture: { type: 'string', default: 'scale.svg' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (given.help) {
      console.log(help);
      process.exit();
    }
    const number = (name: 'nodes' | 'ips' | 'seeds' | 'seed' | 'faults' | 'within'): number | undefined => {
      const value = Number(given[name] ?? 0);
      if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a whole number`);
      return given[name] === undefined ? undefined : value;
    };
    return {
      ...given,
      ...{ nodes: number('nodes'), ips: number('ips'), faults: number('faults'), within: number('within') },
      ...{ seeds: number('seeds') ?? 0, seed: number('seed') ?? 0 },
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    process.exit(64);
  }
}
