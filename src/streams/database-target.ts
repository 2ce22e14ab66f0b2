/**
 * The database that is asked. Nothing else has a say: neither PGPASSWORD, PGUSER, PGSSLMODE, PGOPTIONS and their kind
 * nor ~/.pgpass, all of which pg would read by itself.
 */
export interface ProbeTarget {
  /** A host name, an IP address without brackets, or the absolute path of a Unix socket directory. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  /** `pgbouncer` is its admin console, where the user must be one of its admin_users or stats_users. */
  readonly name: string;
  readonly tls: TlsOptions;
  readonly applicationName?: string;
  /** Server settings of the connection, `-c name=value`. */
  readonly options?: string;
}

/** TLS with libpq's meaning of the modes. The files are read anew for each connection: certificates get renewed. */
export interface TlsOptions {
  /** `allow` is taken as `prefer`: TLS where the server has it, unverified, else without. */
  readonly mode: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}
