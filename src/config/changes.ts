import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config.ts';
import type { Key } from './schema.ts';

/** Where a key's value is found, and whether a running agent takes a new one over. */
interface Changeable {
  readonly of: (config: Config) => unknown;
  readonly isLive: boolean;
}

const live = (of: Changeable['of']): Changeable => ({ of, isLive: true });
const fixed = (of: Changeable['of']): Changeable => ({ of, isLive: false });

/** Every key: one that is added to the schema does not compile until it is said here what a reload does with it. */
const CHANGEABLE: Readonly<Record<Key, Changeable>> = {
  service: fixed(({ service }) => service),
  interval: live(({ intervalMs }) => intervalMs),
  ttl: fixed(({ ttlMs }) => ttlMs),
  retry_num: live(({ retryNum }) => retryNum),
  retry_after: live(({ retryAfterMs }) => retryAfterMs),
  etcd_endpoints: fixed(({ etcd }) => etcd.endpoints),
  etcd_user: live(({ etcd }) => etcd.user),
  etcd_password: live(({ etcd }) => etcd.password),
  etcd_ca_file: fixed(({ etcd }) => etcd.caFile),
  etcd_cert_file: fixed(({ etcd }) => etcd.certFile),
  etcd_key_file: fixed(({ etcd }) => etcd.keyFile),
  pgbouncer_address: live(({ database }) => database.address),
  pgbouncer_port: live(({ database }) => database.port),
  pgbouncer_user: live(({ database }) => database.user),
  pgbouncer_password: live(({ database }) => database.password),
  pgbouncer_database: live(({ database }) => database.name),
  db_options: live(({ database: { tls, connectTimeoutMs, applicationName, options } }) => ({
    tls,
    connectTimeoutMs,
    applicationName,
    options,
  })),
  nodename: fixed(({ nodename }) => nodename),
  interface: fixed((config) => config.interface),
  netmask: fixed(({ netmask }) => netmask),
  label: live(({ label }) => label),
  rebalance_delay: live(({ rebalanceDelayMs }) => rebalanceDelayMs),
  http_listen: fixed(({ httpListen }) => httpListen),
  weight: live(({ weight }) => weight),
  state_dir: fixed(({ stateDir }) => stateDir),
  on_stop: live(({ onStop }) => onStop),
  handover: live(({ handoverMs }) => handoverMs),
  log_level: live(({ logLevel }) => logLevel),
  log_format: fixed(({ logFormat }) => logFormat),
};

export interface ConfigChanges {
  /** Taken over by the running agent. */
  readonly live: readonly Key[];
  /** Taken over by the next run. */
  readonly atRestart: readonly Key[];
}

export function changesBetween(before: Config, after: Config): ConfigChanges {
  const keys = Object.keys(CHANGEABLE) as readonly Key[];
  const changed = keys.filter((key) => {
    const { of } = CHANGEABLE[key];
    return !isDeepStrictEqual(of(before), of(after));
  });
  return {
    live: changed.filter((key) => CHANGEABLE[key].isLive),
    atRestart: changed.filter((key) => !CHANGEABLE[key].isLive),
  };
}
