import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';

/** The two keys that every configuration needs, in two lines. */
export const REQUIRED = 'service: /yaim/main\netcd_endpoints: [http://127.0.0.1:2379]\n';

interface Written {
  /** The text of yaim.yml; by default there is none. */
  readonly file?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  /** More files in the working directory, by name. */
  readonly beside?: Readonly<Record<string, string>>;
  /** The mode of yaim.yml. */
  readonly mode?: number;
}

/** What loadConfig makes of these files and variables, in a directory of their own and on a host called db1. */
export function load({ file, environment = {}, beside = {}, mode = 0o600 }: Written): LoadedConfig {
  const workingDirectory = mkdtempSync(join(tmpdir(), 'yaim-config-'));
  try {
    for (const [name, text] of Object.entries(beside)) writeFileSync(join(workingDirectory, name), text);
    if (file !== undefined) writeFileSync(join(workingDirectory, 'yaim.yml'), file, { mode });
    return loadConfig({ environment, workingDirectory, hostname: 'db1' });
  } finally {
    rmSync(workingDirectory, { recursive: true });
  }
}

/** The lines in which loadConfig refuses them; none if it takes them. */
export function complaintsAbout(written: Written): readonly string[] {
  return complaintsOf(() => load(written));
}

/** The lines of the ConfigError that `run` throws; none if it throws nothing. */
export function complaintsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${String(error)}`);
    return String(error).split('\n');
  }
  return [];
}
