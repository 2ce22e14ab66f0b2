import { changesBetween } from '../config/changes.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import type { Key } from '../config/schema.ts';
import type { Health } from '../domain/view.ts';
import { EtcdError } from '../etcd/api.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { Log } from '../log.ts';
import type { Health as Verdict } from '../streams/health.ts';
import { CommandError } from './exit.ts';
import type { HostLock } from './host-lock.ts';

export interface ReloadDependencies {
  readonly load: () => LoadedConfig;
  readonly etcd: Pick<EtcdClient, 'useCredentials'>;
  readonly lockLabel: HostLock['lockLabel'];
  /** The newest verdict on the database. */
  readonly health: () => Health['kind'];
  readonly checkOnce: (config: Config) => Promise<Verdict>;
  readonly log: Log;
}

/**
 * Reads the configuration anew and answers with the one to go on with. What is wrong changes nothing, and neither do
 * credentials that are refused: a node does not lose its addresses for a slip of the pen.
 */
export async function reload(deps: ReloadDependencies, current: Config): Promise<Config> {
  const loaded = tryToLoad(deps);
  if (loaded === undefined) return current;
  const { log } = deps;
  for (const warning of loaded.warnings) log('warn', 'config_warning', warning);
  const { live, atRestart } = changesBetween(current, loaded.config);
  const refused = await findRefused(deps, current, loaded.config, live);
  const taken = live.filter((key) => !refused.has(key));
  if (taken.length > 0) log('info', 'config_reloaded', `now in force: ${taken.join(', ')}`, { keys: taken });
  else if (refused.size === 0 && atRestart.length === 0) {
    log('info', 'config_unchanged', `${loaded.source} says what it said before`);
  }
  if (atRestart.length > 0) {
    const message = `takes effect when yaim is started again: ${atRestart.join(', ')}`;
    log('warn', 'config_warning', message, { keys: atRestart });
  }
  return taken.length === 0 ? current : merged(current, loaded.config, refused);
}

function tryToLoad({ load, log }: ReloadDependencies): LoadedConfig | undefined {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log('error', 'config_invalid', 'the configuration is wrong: what was in force stays in force', {
      error: error.message,
    });
    return undefined;
  }
}

/** Keys whose new values do not work. */
async function findRefused(
  { etcd, lockLabel, health, checkOnce, log }: ReloadDependencies,
  current: Config,
  next: Config,
  changed: readonly Key[],
): Promise<ReadonlySet<Key>> {
  const refused = new Set<Key>();
  const refuse = (keys: readonly Key[], error: string): void => {
    for (const key of keys) refused.add(key);
    const message = `${keys.join(', ')}: refused; what was in force stays in force`;
    log('error', 'config_invalid', message, { error });
  };
  const credentials = changed.filter((key) => key === 'etcd_user' || key === 'etcd_password');
  if (credentials.length > 0) {
    try {
      await etcd.useCredentials(next.etcd);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      refuse(credentials, error.message);
    }
  }
  if (changed.includes('label')) {
    try {
      await lockLabel(next.label);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      refuse(['label'], error.message);
    }
  }
  const database = changed.filter((key) => key.startsWith('pgbouncer_') || key === 'db_options');
  // A sick database may be sick for the very settings that are changed now.
  if (database.length > 0 && health() === 'healthy') {
    const verdict = await checkOnce({ ...next, retryNum: current.retryNum });
    if (verdict.kind === 'sick') refuse(database, verdict.reason);
  }
  return refused;
}

function merged(current: Config, next: Config, refused: ReadonlySet<Key>): Config {
  const { user: _user, password: _password, ...etcd } = current.etcd;
  const { user, password } =
    refused.has('etcd_user') || refused.has('etcd_password') ? current.etcd : next.etcd;
  const isDatabaseRefused = [...refused].some((key) => key.startsWith('pgbouncer_') || key === 'db_options');
  return {
    ...current,
    intervalMs: next.intervalMs,
    retryNum: next.retryNum,
    retryAfterMs: next.retryAfterMs,
    etcd: { ...etcd, ...(user === undefined || password === undefined ? {} : { user, password }) },
    database: isDatabaseRefused ? current.database : next.database,
    label: refused.has('label') ? current.label : next.label,
    rebalanceDelayMs: next.rebalanceDelayMs,
    weight: next.weight,
    onStop: next.onStop,
    handoverMs: next.handoverMs,
    logLevel: next.logLevel,
  };
}
