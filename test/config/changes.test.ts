import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesBetween } from '../../src/config/changes.ts';
import { loadConfig } from '../../src/config/load.ts';
import { KEYS, type Key, variableOf } from '../../src/config/schema.ts';

const required = { YAIM_SERVICE: '/s', YAIM_ETCD_ENDPOINTS: 'http://127.0.0.1:2379' };

/** What changes with these variables, beside the required ones. */
function changes(before: object, after: object) {
  const load = (more: object) =>
    loadConfig({ environment: { ...required, ...more }, workingDirectory: '/nowhere', hostname: 'db1' })
      .config;
  return changesBetween(load(before), load(after));
}

/** Another value than the default of each key, with what it cannot do without. */
const OTHER: Readonly<Record<Key, Readonly<Record<string, string>>>> = {
  service: { YAIM_SERVICE: '/other' },
  interval: { YAIM_INTERVAL: '500' },
  ttl: { YAIM_TTL: '9000' },
  retry_num: { YAIM_RETRY_NUM: '1' },
  retry_after: { YAIM_RETRY_AFTER: '10' },
  etcd_endpoints: { YAIM_ETCD_ENDPOINTS: 'http://127.0.0.2:2379' },
  etcd_user: { YAIM_ETCD_USER: 'yaim', YAIM_ETCD_PASSWORD: 'p' },
  etcd_password: { YAIM_ETCD_USER: 'yaim', YAIM_ETCD_PASSWORD: 'p' },
  etcd_ca_file: { YAIM_ETCD_ENDPOINTS: 'https://127.0.0.1:2379', YAIM_ETCD_CA_FILE: import.meta.filename },
  etcd_cert_file: {
    YAIM_ETCD_ENDPOINTS: 'https://127.0.0.1:2379',
    YAIM_ETCD_CERT_FILE: import.meta.filename,
    YAIM_ETCD_KEY_FILE: import.meta.filename,
  },
  etcd_key_file: {
    YAIM_ETCD_ENDPOINTS: 'https://127.0.0.1:2379',
    YAIM_ETCD_CERT_FILE: import.meta.filename,
    YAIM_ETCD_KEY_FILE: import.meta.filename,
  },
  pgbouncer_address: { YAIM_PGBOUNCER_ADDRESS: '127.0.0.2' },
  pgbouncer_port: { YAIM_PGBOUNCER_PORT: '5432' },
  pgbouncer_user: { YAIM_PGBOUNCER_USER: 'monitor' },
  pgbouncer_password: { YAIM_PGBOUNCER_PASSWORD: 'p' },
  pgbouncer_database: { YAIM_PGBOUNCER_DATABASE: 'postgres' },
  db_options: { YAIM_DB_OPTIONS: '?connect_timeout=3' },
  nodename: { YAIM_NODENAME: 'db2' },
  interface: { YAIM_INTERFACE: 'eth1' },
  netmask: { YAIM_NETMASK: '24' },
  label: { YAIM_LABEL: 'vip' },
  rebalance_delay: { YAIM_REBALANCE_DELAY: '1' },
  http_listen: { YAIM_HTTP_LISTEN: '' },
  weight: { YAIM_WEIGHT: '2' },
  state_dir: { YAIM_STATE_DIR: '/var/lib/yaim' },
  on_stop: { YAIM_ON_STOP: 'keep' },
  handover: { YAIM_HANDOVER: '1' },
  log_level: { YAIM_LOG_LEVEL: 'debug' },
  log_format: { YAIM_LOG_FORMAT: 'json' },
};

test('the same configuration has no changes', () =>
  assert.deepEqual(changes({}, {}), { live: [], atRestart: [] }));

for (const key of KEYS) {
  test(`a change of ${key} (${variableOf(key)}) is noticed`, () => {
    const { live, atRestart } = changes({}, OTHER[key]);
    assert.ok([...live, ...atRestart].includes(key), `${[...live, ...atRestart]}`);
  });
}
