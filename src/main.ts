#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { endQuietlyWithoutReader, endWith } from './cli/end.ts';
import { programOf, withDefaultCommand } from './cli/program.ts';
import { keepHeapSmall } from './cli/small-heap.ts';
import type { Config } from './config/config.ts';
import type { LoadedConfig } from './config/load.ts';

// What libraries should change is nothing that an operator could: Node would print it between the lines of the log.
process.noDeprecation = true;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const watchesReader = endQuietlyWithoutReader();

// Each command loads what it needs: help and completion are there at once.
const program = programOf(version, {
  run: async () => {
    // Before anything is loaded: loading makes it grow.
    keepHeapSmall();
    // Losing the reader of its log is no reason for the agent to end: it has addresses to give back.
    watchesReader.stop();
    const [{ start }, load] = await Promise.all([import('./cli/start.ts'), loader()]);
    await start(load, { version, page: new URL('web/page/', import.meta.url) });
    // What may linger (a write of the history that waits for its next try, a check) does not hold the end up.
    process.exit();
  },
  check: async () => {
    const [{ check }, load] = await Promise.all([import('./cli/check.ts'), loader()]);
    process.exitCode = await check(load);
  },
  status: async (options) => (await import('./cli/status.ts')).status(await configured(), options),
  history: async (options) => (await import('./cli/history.ts')).history(await configured(), options),
  plan: async (options) => (await import('./cli/plan.ts')).plan(configured, options),
  explain: async (address) => (await import('./cli/explain.ts')).explain(await configured(), address),
  add: async (...given) => (await import('./cli/ip-add.ts')).ipAdd(await configured(), ...given),
  remove: async (address) => (await import('./cli/ip-remove.ts')).ipRemove(await configured(), address),
  list: async (options) => (await import('./cli/ip-list.ts')).ipList(await configured(), options),
  move: async (...given) =>
    (await import('./cli/ip-move.ts')).ipMove(await configured(), await operator(), ...given),
  pin: async (...given) =>
    (await import('./cli/ip-pin.ts')).ipPin(await configured(), await operator(), ...given),
  unpin: async (...given) =>
    (await import('./cli/ip-pin.ts')).ipUnpin(await configured(), await operator(), ...given),
  drain: async (...given) =>
    (await import('./cli/drain.ts')).drain(await configured(), await operator(), ...given),
  resume: async (...given) =>
    (await import('./cli/resume.ts')).resume(await configured(), await operator(), ...given),
  importPool: async (options) => (await import('./cli/import.ts')).importPool(await configured(), options),
  completion: async (whole, shell) => {
    const { completionScript } = await import('./cli/completion.ts');
    process.stdout.write(completionScript(whole, shell));
  },
});

async function loader(): Promise<() => LoadedConfig> {
  const { loadConfig } = await import('./config/load.ts');
  return () => {
    const { config: file } = program.opts<{ config?: string }>();
    return loadConfig({ environment: process.env, ...(file === undefined ? {} : { file }) });
  };
}

async function configured(): Promise<Config> {
  const load = await loader();
  return load().config;
}

async function operator() {
  const { processOperator } = await import('./cli/operator.ts');
  return processOperator();
}

try {
  await program.parseAsync(withDefaultCommand(program, process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.exitCode = endWith(error);
}
