import * as z from 'zod';
import { readDatabaseOptions } from './database-options.ts';
import { readEndpoint, readEndpoints } from './endpoints.ts';
import { readDatabaseAddress, readListen } from './host.ts';
import * as names from './names.ts';
import {
  decimal,
  list,
  milliseconds,
  oneOf,
  optionalText,
  text,
  wholeNumber,
  wholeSeconds,
} from './rules.ts';

/** A description of a key that must not be shown: JSON Schema calls such a value write-only. */
const secret = (description: string) => ({ description, writeOnly: true });

const about = (description: string, ...examples: unknown[]) =>
  examples.length === 0 ? { description } : { description, examples };

const endpoints = list(text(readEndpoint), 'must be a list of http:// or https:// URLs').transform(
  (given, context) => {
    const reading = readEndpoints(given);
    if ('value' in reading) return reading.value;
    context.addIssue({ code: 'custom', message: reading.refused });
    return z.NEVER;
  },
);

/**
 * Every key of yaim.yml: the one table from which the defaults, the environment variables, yaim.schema.json and the
 * tests of the documentation derive. Times are milliseconds.
 */
export const schema = z.strictObject({
  service: text(names.readService).meta(
    about('Literal prefix of every etcd key. A trailing "/" makes no difference.', '/yaim/main'),
  ),
  interval: milliseconds(10, 3_600_000)
    .prefault(1000)
    .meta(about('Milliseconds between the end of one health check and the start of the next.')),
  ttl: wholeSeconds(3000, 3_600_000)
    .prefault(6000)
    .meta(about("Lifetime of the node's lease in milliseconds, in whole seconds.")),
  retry_num: wholeNumber(1, 100)
    .prefault(3)
    .meta(about('Tries before an etcd call or a health check counts as failed.')),
  retry_after: milliseconds(0, 3_600_000).prefault(250).meta(about('Milliseconds between these tries.')),
  etcd_endpoints: endpoints.meta(
    about('URLs of the members of one etcd cluster, tried in random order.', ['http://127.0.0.1:2379']),
  ),
  etcd_user: optionalText(names.readName).meta(
    about('User of etcd. Needs read and write below service, nothing else.'),
  ),
  etcd_password: optionalText(names.readSecret).meta(secret('Password of etcd_user.')),
  etcd_ca_file: optionalText(names.readPath).meta(
    about("Certificates (PEM) that sign etcd's; by default those that Node trusts."),
  ),
  etcd_cert_file: optionalText(names.readPath).meta(
    about('Client certificate for etcd (PEM). Goes together with etcd_key_file.'),
  ),
  etcd_key_file: optionalText(names.readPath).meta(
    about('Private key of the client certificate (PEM). Goes together with etcd_cert_file.'),
  ),
  pgbouncer_address: text(readDatabaseAddress)
    .prefault('127.0.0.1')
    .meta(about('The postgres or pgbouncer of this host; an absolute path is a Unix socket directory.')),
  pgbouncer_port: wholeNumber(1, 65535).prefault(6432).meta(about('Its port.')),
  pgbouncer_user: text(names.readName).prefault('postgres').meta(about('User of the health check.')),
  pgbouncer_password: optionalText(names.readSecret).meta(secret('Password of pgbouncer_user.')),
  pgbouncer_database: text(names.readName)
    .prefault('pgbouncer')
    .meta(about('pgbouncer: the check uses the admin console. Any other: it reads pg_database there.')),
  db_options: optionalText(readDatabaseOptions).meta(
    about('Options of the connection as in a PostgreSQL URL.', '?sslmode=disable&connect_timeout=2'),
  ),
  nodename: text(names.readNodeName)
    .optional()
    .meta(about("Name of this node's key under nodes/; by default the host name.", 'db1')),
  interface: optionalText(names.readInterface).meta(
    about('Interface that takes the addresses; by default the one whose route leads to the address.', 'eth0'),
  ),
  netmask: wholeNumber(1, 128)
    .prefault(32)
    .meta(about('Prefix length. Up to 32 it is for IPv4 (IPv6: 128), above 32 for IPv6 (IPv4: 32).')),
  label: text(names.readLabel)
    .prefault('yaim')
    .meta(about('IPv4 label, <interface>:<label>; at most 15 characters in all.')),
  rebalance_delay: milliseconds(0, 3_600_000)
    .prefault(1000)
    .meta(
      about(
        'Milliseconds for which an imbalance must stand before a healthy node gives an address up. Never delays a claim.',
      ),
    ),
  http_listen: text(readListen)
    .prefault('127.0.0.1:8010')
    .meta(
      about(
        'Status page, JSON and metrics: host:port, [IPv6]:port, :port; empty for none.',
        '[::1]:8010',
        ':8010',
      ),
    ),
  weight: decimal(0, 1_000_000)
    .prefault(1)
    .meta(about("This node's share of the pool relative to the others.")),
  state_dir: text(names.readAbsolutePath)
    .prefault('/run/yaim')
    .meta(about('Directory of what a restart needs; an absolute path.')),
  on_stop: oneOf(['release', 'keep'])
    .prefault('release')
    .meta(about('What SIGTERM does: release every address, or keep them for the next run on this machine.')),
  handover: milliseconds(0, 600_000)
    .prefault(15_000)
    .meta(about('Milliseconds for which a stop with keep leaves lease and addresses to the next run.')),
  log_level: oneOf(['error', 'warn', 'info', 'http', 'verbose', 'debug', 'silly'])
    .prefault('info')
    .meta(about('Lowest level that is logged, by the names of winston.')),
  log_format: oneOf(['json', 'pretty', 'auto'])
    .prefault('auto')
    .meta(about('json, pretty, or auto: pretty on a terminal.')),
});

export type Key = keyof typeof schema.shape;
export type Values = z.output<typeof schema>;

export const KEYS = Object.keys(schema.shape) as readonly Key[];

/** Whether the value of a key must never be shown or logged. */
export function isSecret(key: Key): boolean {
  return schema.shape[key].meta()?.['writeOnly'] === true;
}

export function isKey(name: string): name is Key {
  return Object.hasOwn(schema.shape, name);
}

/** How every variable begins. */
export const PREFIX = 'YAIM_';

/** `YAIM_RETRY_NUM` of `retry_num`. */
export function variableOf(key: Key): string {
  return `${PREFIX}${key.toUpperCase()}`;
}
