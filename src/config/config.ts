import type { SslMode } from './database-options.ts';
import type { Listen } from './host.ts';
import type { Values } from './schema.ts';

/** How to reach etcd. Paths are absolute. */
export interface EtcdConfig {
  /** `scheme://host:port`, each once, all of one scheme. */
  readonly endpoints: readonly string[];
  /** Given together with `password`, or not at all. */
  readonly user?: string;
  readonly password?: string;
  readonly caFile?: string;
  /** Given together with `keyFile`, or not at all. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** TLS to the database, with libpq's meaning of the modes. Paths are absolute. */
export interface DatabaseTls {
  /** `disable` for a Unix socket, whatever was asked for. */
  readonly mode: SslMode;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** How to reach the database server of this host. */
export interface DatabaseConfig {
  /** A host name, an IP address without brackets, or the absolute path of a Unix socket directory. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  /** `pgbouncer`: the admin console. */
  readonly name: string;
  readonly tls: DatabaseTls;
  readonly connectTimeoutMs?: number;
  readonly applicationName?: string;
  /** Server settings of the connection, `-c name=value`. */
  readonly options?: string;
}

/** The validated configuration, frozen through and through. docs/configuration.md tells what each key does. */
export interface Config {
  /** Literal prefix of every etcd key, without a slash at its end. */
  readonly service: string;
  readonly intervalMs: number;
  /** A multiple of 1000. */
  readonly ttlMs: number;
  readonly retryNum: number;
  readonly retryAfterMs: number;
  readonly etcd: EtcdConfig;
  readonly database: DatabaseConfig;
  readonly nodename: string;
  /** Absent: the interface whose route leads to the address. */
  readonly interface?: string;
  /** Prefix length of the family that can have it: IPv4 up to 32, else IPv6. Null: host routes, as 32 is read too. */
  readonly netmask: number | null;
  readonly label: string;
  readonly rebalanceDelayMs: number;
  /** Absent: no status page. */
  readonly httpListen?: Listen;
  readonly weight: number;
  readonly stateDir: string;
  readonly onStop: 'release' | 'keep';
  readonly handoverMs: number;
  readonly logLevel: Values['log_level'];
  readonly logFormat: 'json' | 'pretty' | 'auto';
}
