import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { Cluster } from '../domain/cluster.ts';
import { clusterOf, entryOf } from '../domain/entries.ts';
import { type Keys, keysOf } from '../domain/keys.ts';
import { type Etcd, EtcdError } from '../etcd/api.ts';
import { CommandError, EXIT } from './exit.ts';
import { refusePatroni } from './patroni.ts';

/** What a command does with etcd. `attempt` runs one call until it is answered, as often as the configuration says. */
export interface EtcdSession {
  readonly etcd: Etcd;
  readonly keys: Keys;
  readonly attempt: <T>(call: () => Promise<T>) => Promise<T>;
}

/**
 * Opens etcd for one command and closes it after it.
 * @throws CommandError with status 69 when etcd does not do what was asked
 */
export async function withEtcd<T>(config: Config, command: (session: EtcdSession) => Promise<T>): Promise<T> {
  // Loaded only here: `plan --state` needs no etcd, and its library takes a while.
  const { openEtcd } = await import('./etcd.ts');
  const etcd = openEtcd(config);
  const attempt = <R>(call: () => Promise<R>) => tried(config, call);
  try {
    return await command({ etcd, keys: keysOf(config.service), attempt });
  } finally {
    etcd.close();
  }
}

/**
 * The same for a command that writes: not where Patroni does.
 * @throws CommandError with status 78 for a service that is a Patroni scope
 */
export function withEtcdToWrite<T>(
  config: Config,
  command: (session: EtcdSession) => Promise<T>,
): Promise<T> {
  return withEtcd(config, async (session) => {
    const { etcd, keys, attempt } = session;
    await refusePatroni({ range: (key, prefix) => attempt(() => etcd.range(key, prefix)) }, keys);
    return command(session);
  });
}

/** Everything below the service, at one revision. */
export async function readCluster({ etcd, keys, attempt }: EtcdSession): Promise<Cluster> {
  const { revision, keyValues } = await attempt(() => etcd.range(keys.prefix, 'prefix'));
  const entries = keyValues.map((keyValue) => entryOf(keys, keyValue)).filter((entry) => entry !== undefined);
  return clusterOf(revision, entries);
}

/** Each endpoint has its turn, since the client moves on after a failure, and there are at least `retry_num` tries. */
async function tried<T>({ etcd, retryNum, retryAfterMs }: Config, call: () => Promise<T>): Promise<T> {
  const count = Math.max(etcd.endpoints.length, retryNum);
  const failures: string[] = [];
  for (let number = 1; ; number += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      failures.push(...[error, ...error.elsewhere].map(({ message }) => withoutBoilerplate(message)));
      if (number >= count || !mayPass(error)) {
        throw new CommandError(EXIT.unreachable, [...new Set(failures)].join('; '), { cause: error });
      }
      // The next endpoint at once; a pause before all of them are asked again.
      if (number % etcd.endpoints.length === 0) await delay(retryAfterMs);
    }
  }
}

function mayPass({ kind }: EtcdError): boolean {
  return kind === 'unreachable' || kind === 'timeout' || kind === 'other';
}

/** What gRPC adds to each connection that fails tells an operator nothing. */
function withoutBoilerplate(message: string): string {
  return message
    .replace('No connection established. Last error: Error: ', '')
    .replace(/\.? Resolution note: (?=\)|$)/, '')
    .replace(/(: connection refused) \(.*\)$/s, '$1');
}
