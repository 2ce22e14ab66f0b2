import { hostname } from 'node:os';
import type { LoadedConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { createLog } from '../log.ts';
import { requirePermissions } from './permissions.ts';
import { type Program, run } from './run.ts';

/** Starts the agent where it can do its work: with a valid configuration and the right to change addresses. */
export async function start(load: () => LoadedConfig, program: Program): Promise<void> {
  const loaded = loadOrLog(load);
  requirePermissions();
  await run(loaded, load, program);
}

/** Whoever collects the log hears of it as well; a person at a terminal is told once. */
function loadOrLog(load: () => LoadedConfig): LoadedConfig {
  try {
    return load();
  } catch (error) {
    if (error instanceof ConfigError && !process.stdout.isTTY) {
      const { log } = createLog({ level: 'info', format: 'json', node: hostname() });
      log('error', 'config_invalid', 'the configuration is wrong: yaim does not start', {
        error: error.message,
      });
    }
    throw error;
  }
}
