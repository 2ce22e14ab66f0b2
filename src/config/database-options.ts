import type { Reading } from './rules.ts';
import { suggest } from './suggest.ts';

/** libpq's modes of TLS, from none to a certificate that names the host. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** `db_options` read: what PostgreSQL calls by the names in the comments. */
export interface DatabaseOptions {
  /** sslmode */
  readonly sslMode?: SslMode;
  /** sslrootcert; absent for `system` too, which means the certificates that Node trusts. */
  readonly caFile?: string;
  /** sslcert */
  readonly certFile?: string;
  /** sslkey */
  readonly keyFile?: string;
  /** connect_timeout, there in seconds */
  readonly connectTimeoutMs?: number;
  /** application_name */
  readonly applicationName?: string;
  /** options: server settings for the connection, `-c name=value` */
  readonly options?: string;
}

const OPTIONS: Readonly<Record<string, (value: string) => Reading<DatabaseOptions>>> = {
  sslmode: (value) => {
    const sslMode = SSL_MODES.find((mode) => mode === value);
    return sslMode === undefined
      ? { refused: `must be one of ${SSL_MODES.join(', ')}` }
      : { value: { sslMode } };
  },
  connect_timeout: (value) => {
    const seconds = /^\d{1,3}$/.test(value) ? Number(value) : 0;
    const refused = 'must be whole seconds from 1 to 600';
    return seconds < 1 || seconds > 600 ? { refused } : { value: { connectTimeoutMs: seconds * 1000 } };
  },
  sslrootcert: (value) => ({ value: value === 'system' ? {} : { caFile: value } }),
  sslcert: (value) => ({ value: { certFile: value } }),
  sslkey: (value) => ({ value: { keyFile: value } }),
  application_name: (value) => ({ value: { applicationName: value } }),
  options: (value) => ({ value: { options: value } }),
};

/** Options of a PostgreSQL URL that are keys of their own here. */
const KEYS: Readonly<Record<string, string>> = {
  host: 'pgbouncer_address',
  hostaddr: 'pgbouncer_address',
  port: 'pgbouncer_port',
  user: 'pgbouncer_user',
  password: 'pgbouncer_password',
  dbname: 'pgbouncer_database',
};

/** `?sslmode=disable&connect_timeout=2`, the question mark optional. Values never appear in what is refused. */
export function readDatabaseOptions(given: string): Reading<DatabaseOptions> {
  const pairs = given
    .replace(/^\?/, '')
    .split('&')
    .filter((pair) => pair !== '');
  const seen = new Set<string>();
  let read: DatabaseOptions = {};
  for (const [index, pair] of pairs.entries()) {
    const [[name, value] = ['', '']] = new URLSearchParams(pair);
    const reading = seen.has(name)
      ? { refused: 'is given twice' }
      : readOption(name, value, pair.includes('='));
    if ('refused' in reading) return { refused: `${nameOf(name, given, index)} ${reading.refused}` };
    seen.add(name);
    read = { ...read, ...reading.value };
  }
  if ((read.certFile === undefined) !== (read.keyFile === undefined)) {
    return { refused: 'sslcert and sslkey go together: one of them is missing' };
  }
  return { value: read };
}

function readOption(name: string, value: string, hasValue: boolean): Reading<DatabaseOptions> {
  const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
  if (key !== undefined) return { refused: `does not belong here: use ${key}` };
  const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  const names = Object.keys(OPTIONS);
  if (option === undefined) {
    return { refused: `is unknown; did you mean ${suggest(name, names)}? Known: ${names.join(', ')}` };
  }
  return hasValue && value !== '' ? option(value) : { refused: 'has no value (write name=value)' };
}

/** A password with "&" in it falls apart into pieces that look like names: then only their number is told. */
function nameOf(name: string, given: string, index: number): string {
  const isOptionName = Object.hasOwn(OPTIONS, name) || Object.hasOwn(KEYS, name);
  const isTellable = /^[a-z_]{2,30}$/.test(name) && !/pass/i.test(given);
  return isOptionName || isTellable ? name : `option ${index + 1}`;
}
