/** npm run bench: how fast yaim is, as a client sees it, beside its peers. See `npm run bench -- --help`. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench/bench.ts';
import { benches } from './bench/benches.ts';
import type { Figure } from './bench/figure.ts';
import { describeMachine } from './bench/machine.ts';
import { pictureOf } from './bench/picture.ts';
import { type Report, tablesOf } from './bench/report.ts';
import { targetsOf } from './bench/targets.ts';

const help = `npm run bench -- [OPTION]

Measures yaim in network namespaces of this machine, as a client sees it, beside keepalived and vip-manager in the same run.

  --only NAME,…  ${benches.map(({ name }) => name).join(', ')}; default: all
  --runs N       how often each is done; default 10
  --out DIR      for report.md, report.json and report.svg; default ./bench-report
  --write        puts tables, figures and picture into docs/, with what was not measured by name; at least 10 runs
  --help         this text`;

const root = resolve(import.meta.dirname, '..');
const peers = ['keepalived', 'vip-manager'];

const options = readOptions();
if (options === undefined) console.log(help);
else process.exitCode = await bench(options);

interface Options {
  readonly wanted: readonly Bench[];
  readonly runs: number;
  readonly directory: string;
  readonly write: boolean;
}

/** Measures one thing after the other; what is known by then is saved after each, should somebody lose patience. */
async function bench({ wanted, runs, directory, write }: Options): Promise<number> {
  const missing = new Set(peers.filter((command) => spawnSync(command, ['--version']).error !== undefined));
  for (const command of missing) console.error(`${command} is not on this machine: not measured`);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const machine = await describeMachine(version);
  const absent = [...missing].map((command) => `${command}, which is not on this machine`);
  const left = new Map(benches.map(({ name }) => [name, `${name}, which was not asked for, or not come to`]));
  const figures: Figure[] = [];
  for (const { name, title, run } of wanted) {
    console.log(`${name}: ${title}`);
    try {
      figures.push(...(await run({ runs, missing, say: (line) => console.log(line) })));
      left.delete(name);
    } catch (error) {
      // The others are measured all the same: they take long enough.
      left.set(name, `${name} failed: ${(error as Error).message.split('\n')[0]}`);
      console.error(error);
    }
    const targets = targetsOf(figures);
    publish(
      { machine, runs, figures, targets, missing: [...absent, ...left.values()] },
      { directory, write },
    );
  }
  return wanted.every(({ name }) => !left.has(name)) ? 0 : 1;
}

function publish(report: Report, { directory, write }: Pick<Options, 'directory' | 'write'>): void {
  const text = tablesOf(report);
  console.log(`\n${text}`);
  save(report, text, directory, 'report');
  if (!write) return;
  save(report, undefined, join(root, 'docs'), 'performance');
  writeDocumentation(text);
}

function save(report: Report, text: string | undefined, directory: string, name: string): void {
  mkdirSync(directory, { recursive: true });
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Math.round(value * 100) / 100 : value;
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(report, rounded, 1)}\n`);
  writeFileSync(join(directory, `${name}.svg`), pictureOf(report.figures));
  if (text !== undefined) writeFileSync(join(directory, `${name}.md`), text);
}

/** Between its two markers everything is replaced, and nothing else is touched. */
function writeDocumentation(text: string): void {
  const path = join(root, 'docs/performance.md');
  const [begin, end] = ['<!-- npm run bench -- --write: begin -->', '<!-- npm run bench -- --write: end -->'];
  const before = readFileSync(path, 'utf8');
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has lost its markers ${begin} and ${end}`);
  writeFileSync(path, `${before.slice(0, from)}${begin}\n\n${text}\n${before.slice(to)}`);
}

function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        runs: { type: 'string', default: '10' },
        out: { type: 'string', default: 'bench-report' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return undefined;
    const names = values.only?.split(',') ?? benches.map(({ name }) => name);
    const unknown = names.filter((name) => benches.every((one) => one.name !== name));
    if (unknown.length > 0) throw new Error(`--only does not know ${unknown.join(', ')}`);
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a whole number above 0');
    if (values.write && runs < 10) throw new Error('--write wants things measured at least 10 times');
    const wanted = benches.filter(({ name }) => names.includes(name));
    return { wanted, runs, directory: resolve(values.out), write: values.write };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    process.exit(64);
  }
}
