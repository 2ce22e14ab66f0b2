/** npm run chaos: random, overlapping faults on real servers, watched from outside. See `npm run chaos -- --help`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { analyse } from '../test/lab/chaos/analysis.ts';
import { pictureOf } from '../test/lab/chaos/picture.ts';
import { type Plan, planOf } from '../test/lab/chaos/plan.ts';
import { planText, reportText } from '../test/lab/chaos/report.ts';
import { runChaos } from '../test/lab/chaos/run.ts';

const help = `npm run chaos -- [OPTION]

Several database hosts share a pool of addresses in network namespaces of this machine, with three etcd members, while
agents, databases, etcd and the network fail at random; in between everything must settle. Ends with 0 only when no
address was ever on two nodes, everything settled, no agent had a bug and nothing was left behind.

  --minutes N   how long; default 2
  --seed S      which faults, and when; default 1
  --nodes N     3 to 5; default: drawn from the seed
  --pause MS    from one fault to the next on average; default 1800, with 20000 they hardly overlap
  --ttl MS      of the agents; default 6000
  --out DIR     for report.txt, report.json, timeline.svg and the agents' logs; default ./chaos-SEED
  --plan        only prints what would happen
  --help        this text`;

const options = readOptions();
if (options === undefined) console.log(help);
else if (options.planOnly) console.log(planText(options.plan));
else process.exitCode = await chaos(options.plan, options.directory);

async function chaos(plan: Plan, directory: string): Promise<number> {
  console.log(planText(plan));
  const seen = await runChaos(plan, { say: (line) => console.log(line) });
  const analysis = analyse(seen);
  const text = reportText(seen, analysis);
  mkdirSync(directory, { recursive: true });
  const { logs, ...rest } = seen;
  writeFileSync(join(directory, 'report.txt'), `${planText(plan)}\n${text}`);
  writeFileSync(join(directory, 'report.json'), `${JSON.stringify({ ...rest, analysis }, null, 1)}\n`);
  writeFileSync(join(directory, 'timeline.svg'), pictureOf(seen));
  for (const [node, lines] of Object.entries(logs))
    writeFileSync(join(directory, `${node}.log`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  console.log(`\n${text}\nwritten to ${directory}`);
  return analysis.violations.length === 0 ? 0 : 1;
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string', default: '1' },
        nodes: { type: 'string' },
        pause: { type: 'string', default: '1800' },
        ttl: { type: 'string', default: '6000' },
        out: { type: 'string' },
        plan: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return undefined;
    const seed = wholeNumber('seed', values.seed, 0, 2 ** 32 - 1);
    const minutes = Number(values.minutes);
    if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error('--minutes takes a number above 0');
    const plan = planOf({
      seed,
      durationMs: Math.round(minutes * 60_000),
      meanPauseMs: wholeNumber('pause', values.pause, 100, 600_000),
      ttlMs: 1000 * wholeNumber('ttl', String(Number(values.ttl) / 1000), 3, 60),
      ...(values.nodes === undefined ? {} : { nodes: wholeNumber('nodes', values.nodes, 3, 5) }),
    });
    return { plan, planOnly: values.plan, directory: resolve(values.out ?? `chaos-${seed}`) };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    process.exit(64);
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new Error(
      `--${name} takes a whole number from ${least} to ${most}${name === 'ttl' ? ' (seconds, given in ms)' : ''}`,
    );
  return number;
}
