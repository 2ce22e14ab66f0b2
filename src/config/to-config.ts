import { resolve } from 'node:path';
import type { Config, DatabaseConfig, EtcdConfig } from './config.ts';
import type { Values } from './schema.ts';

/** What the keys leave open. */
export interface Surroundings {
  /** Relative paths begin here. */
  readonly workingDirectory: string;
  readonly hostname: string;
}

/** The host route's prefix length of IPv4: written out it means the same as the default, for IPv6 too. */
const IPV4_HOST_ROUTE = 32;

/** The Config that these values mean. */
export function toConfig(values: Values, { workingDirectory, hostname }: Surroundings): Config {
  return deepFreeze({
    service: values.service,
    intervalMs: values.interval,
    ttlMs: values.ttl,
    retryNum: values.retry_num,
    retryAfterMs: values.retry_after,
    etcd: toEtcdConfig(values, workingDirectory),
    database: toDatabaseConfig(values, workingDirectory),
    nodename: values.nodename ?? hostname,
    netmask: values.netmask === IPV4_HOST_ROUTE ? null : values.netmask,
    label: values.label,
    rebalanceDelayMs: values.rebalance_delay,
    weight: values.weight,
    stateDir: values.state_dir,
    onStop: values.on_stop,
    handoverMs: values.handover,
    logLevel: values.log_level,
    logFormat: values.log_format,
    ...present({ interface: values.interface, httpListen: values.http_listen }),
  });
}

function toEtcdConfig(values: Values, workingDirectory: string): EtcdConfig {
  return {
    endpoints: values.etcd_endpoints,
    ...present({
      user: values.etcd_user,
      password: values.etcd_password,
      caFile: absolute(values.etcd_ca_file, workingDirectory),
      certFile: absolute(values.etcd_cert_file, workingDirectory),
      keyFile: absolute(values.etcd_key_file, workingDirectory),
    }),
  };
}

function toDatabaseConfig(values: Values, workingDirectory: string): DatabaseConfig {
  const options = values.db_options ?? {};
  const isSocket = values.pgbouncer_address.startsWith('/');
  return {
    address: values.pgbouncer_address,
    port: values.pgbouncer_port,
    user: values.pgbouncer_user,
    name: values.pgbouncer_database,
    tls: {
      mode: isSocket ? 'disable' : (options.sslMode ?? 'prefer'),
      ...present({
        caFile: absolute(options.caFile, workingDirectory),
        certFile: absolute(options.certFile, workingDirectory),
        keyFile: absolute(options.keyFile, workingDirectory),
      }),
    },
    ...present({
      password: values.pgbouncer_password,
      connectTimeoutMs: options.connectTimeoutMs,
      applicationName: options.applicationName,
      options: options.options,
    }),
  };
}

function absolute(path: string | undefined, workingDirectory: string): string | undefined {
  return path === undefined ? undefined : resolve(workingDirectory, path);
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the properties that are undefined: absent is absent. */
function present<T extends object>(properties: T): Present<T> {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined),
  ) as Present<T>;
}

function deepFreeze<T extends object>(object: T): T {
  for (const value of Object.values(object)) {
    if (typeof value === 'object' && value !== null) deepFreeze(value);
  }
  return Object.freeze(object);
}
