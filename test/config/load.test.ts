import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { describeFileError } from '../../src/config/text-file.ts';
import { complaintsAbout, complaintsOf, load, REQUIRED } from './configured.ts';

const required = { YAIM_SERVICE: '/yaim/main', YAIM_ETCD_ENDPOINTS: 'http://a' };

describe('loadConfig', () => {
  it('fills in every default', () => {
    assert.deepEqual(load({ file: REQUIRED }), {
      config: {
        service: '/yaim/main',
        intervalMs: 1000,
        ttlMs: 6000,
        retryNum: 3,
        retryAfterMs: 250,
        etcd: { endpoints: ['http://127.0.0.1:2379'] },
        database: {
          address: '127.0.0.1',
          port: 6432,
          user: 'postgres',
          name: 'pgbouncer',
          tls: { mode: 'prefer' },
        },
        nodename: 'db1',
        netmask: null,
        label: 'yaim',
        rebalanceDelayMs: 1000,
        httpListen: { host: '127.0.0.1', port: 8010 },
        weight: 1,
        stateDir: '/run/yaim',
        onStop: 'release',
        handoverMs: 15_000,
        logLevel: 'info',
        logFormat: 'auto',
      },
      source: 'yaim.yml',
      warnings: [],
    });
  });

  it('freezes the configuration through and through', () => {
    const { config } = load({ file: REQUIRED });
    const parts = [
      config,
      config.etcd,
      config.etcd.endpoints,
      config.database,
      config.database.tls,
      config.httpListen,
    ];
    assert.ok(parts.every((part) => Object.isFrozen(part)));
  });

  it('says where it looked when there is neither file nor environment', () => {
    const [first, ...more] = complaintsAbout({});
    assert.match(
      first ?? '',
      /^yaim\.yml: no such file in \/.*: name one with --config FILE, or set YAIM_ variables$/,
    );
    assert.deepEqual(
      more.map((line) => line.split(': ').slice(0, 2)),
      [
        ['service', 'is required, here or as YAIM_SERVICE'],
        ['etcd_endpoints', 'is required, here or as YAIM_ETCD_ENDPOINTS'],
      ],
    );
  });

  it('insists on a file that was named, even where the environment is enough', () => {
    const named = (file: string) =>
      complaintsOf(() => loadConfig({ file, environment: required, workingDirectory: '/' }));
    assert.deepEqual(named('nowhere.yml'), ['nowhere.yml: cannot be read: no such file']);
    assert.deepEqual(named('/dev'), ['/dev: cannot be read: it is a directory']);
  });

  it('names a denied permission as such', () => {
    assert.equal(describeFileError(Object.assign(new Error('x'), { code: 'EACCES' })), 'permission denied');
  });

  it('refuses a host name that cannot be a node name, unless there is a nodename', () => {
    const onHost = (hostname: string, more = {}) =>
      complaintsOf(() =>
        loadConfig({ environment: { ...required, ...more }, workingDirectory: '/', hostname }),
      );
    assert.match(onHost('a/b').join(), /^nodename: the host name must be a name without "\/".*, got "a\/b"$/);
    assert.deepEqual(onHost('', { YAIM_NODENAME: 'db1' }), []);
  });

  it('throws an error whose text is the lines alone', () => {
    const error = new ConfigError([
      { place: { file: 'a.yml', line: 1, column: 2 }, key: 'ttl', message: 'is odd' },
    ]);
    assert.equal(String(error), 'a.yml:1:2: ttl: is odd');
    assert.deepEqual(error.problems[0]?.key, 'ttl');
  });
});

describe('keys that go together', () => {
  it('are missed one without the other', () => {
    assert.deepEqual(complaintsAbout({ file: `${REQUIRED}etcd_password: x\netcd_key_file: /dev/null\n` }), [
      'yaim.yml:3:16: etcd_password: goes together with etcd_user, which is missing',
      'yaim.yml:4:16: etcd_key_file: goes together with etcd_cert_file, which is missing',
    ]);
    assert.deepEqual(complaintsAbout({ environment: { ...required, YAIM_ETCD_USER: 'x' } }), [
      'YAIM_ETCD_USER: goes together with etcd_password, which is missing',
    ]);
  });

  it('may come one from the file and one from the environment', () => {
    const { etcd } = load({
      file: `${REQUIRED}etcd_user: u\n`,
      environment: { YAIM_ETCD_PASSWORD: 'p' },
    }).config;
    assert.deepEqual([etcd.user, etcd.password], ['u', 'p']);
  });
});

describe('files that the configuration names', () => {
  const tls = 'service: x\netcd_endpoints: https://a\n';

  it('begin at the working directory and must be there', () => {
    const { etcd } = load({ file: `${tls}etcd_ca_file: ca.pem\n`, beside: { 'ca.pem': '' } }).config;
    assert.match(etcd.caFile ?? '', /^\/.+\/ca\.pem$/);
    assert.deepEqual(
      complaintsAbout({ file: `${tls}etcd_ca_file: ca.pem\ndb_options: sslrootcert=/dev\n` }),
      [
        'yaim.yml:3:15: etcd_ca_file: cannot read ca.pem: no such file',
        'yaim.yml:4:13: db_options: cannot read /dev: it is a directory',
      ],
    );
  });

  it('have no effect without TLS, which is worth a warning', () => {
    assert.deepEqual(load({ file: `${REQUIRED}etcd_ca_file: /dev/null\n` }).warnings, [
      'etcd_ca_file has no effect: etcd_endpoints are http://',
    ]);
    assert.deepEqual(load({ file: `${tls}etcd_ca_file: /dev/null\n` }).warnings, []);
  });
});
