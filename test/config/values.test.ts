import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { complaintsAbout, load, REQUIRED } from './configured.ts';

const environment = { YAIM_SERVICE: '/yaim/main', YAIM_ETCD_ENDPOINTS: 'http://127.0.0.1' };

/** The configuration when these variables are set beside the required ones. */
const given = (more: Record<string, string>) => load({ environment: { ...environment, ...more } }).config;

/** A table: a key's texts with what each becomes, and texts that are refused. */
function accepts(
  key: string,
  read: (config: Config) => unknown,
  taken: readonly (readonly [string, unknown])[],
  refused: readonly string[],
) {
  const variable = `YAIM_${key.toUpperCase()}`;
  it(`${key}: takes ${taken.map(([text]) => JSON.stringify(text)).join(', ')}`, () => {
    for (const [text, value] of taken) assert.deepEqual(read(given({ [variable]: text })), value, text);
  });
  it(`${key}: refuses ${refused.map((text) => JSON.stringify(text)).join(', ')}`, () => {
    for (const text of refused) {
      const complaints = complaintsAbout({ environment: { ...environment, [variable]: text } });
      assert.equal(complaints.length, 1, `${text}: ${complaints.join(' | ')}`);
      assert.match(complaints[0] ?? '', new RegExp(`^${variable}: .*must`), text);
    }
  });
}

describe('numbers', () => {
  accepts(
    'interval',
    (c) => c.intervalMs,
    [
      ['10', 10],
      ['2e3', 2000],
      ['3600000', 3_600_000],
    ],
    ['9', '1.5', '-10', '1s', '0x20', '1_000', 'NaN', '3600001', '9e99'],
  );
  accepts(
    'ttl',
    (c) => c.ttlMs,
    [
      ['3000', 3000],
      ['60000', 60_000],
    ],
    ['2000', '3500', '6', 'six'],
  );
  accepts(
    'retry_num',
    (c) => c.retryNum,
    [
      ['1', 1],
      ['100', 100],
    ],
    ['0', '101', 'three', '2.5'],
  );
  accepts(
    'retry_after',
    (c) => c.retryAfterMs,
    [
      ['0', 0],
      ['250', 250],
    ],
    ['-1', 'x'],
  );
  accepts('rebalance_delay', (c) => c.rebalanceDelayMs, [['0', 0]], ['-1', '0.5']);
  accepts(
    'handover',
    (c) => c.handoverMs,
    [
      ['0', 0],
      ['600000', 600_000],
    ],
    ['-1', '600001'],
  );
  accepts(
    'weight',
    (c) => c.weight,
    [
      ['0', 0],
      ['0.5', 0.5],
      ['3', 3],
    ],
    ['-1', 'Infinity', 'NaN', '1e9', 'heavy'],
  );
  accepts(
    'pgbouncer_port',
    (c) => c.database.port,
    [
      ['1', 1],
      ['65535', 65_535],
    ],
    ['0', '65536', 'http'],
  );
  accepts(
    'netmask',
    (c) => c.netmask,
    [
      ['24', 24],
      ['64', 64],
      ['128', 128],
      ['32', null],
    ],
    ['0', '129', '255.255.255.0'],
  );
});

describe('names', () => {
  accepts(
    'service',
    (c) => c.service,
    [
      ['x', 'x'],
      ['/yaim/a/', '/yaim/a'],
      ['a b', 'a b'],
    ],
    ['/', '//', 'a//b', 'a//', '//a', 'a\nb', ' a'],
  );
  accepts(
    'nodename',
    (c) => c.nodename,
    [['db-1.example.org', 'db-1.example.org']],
    ['a/b', 'a\tb', ' a', 'a\u0000'],
  );
  accepts(
    'interface',
    (c) => c.interface,
    [
      ['eth0.100', 'eth0.100'],
      ['br-lan', 'br-lan'],
    ],
    ['eth0:1', 'a b', 'a/b', '.', '..', 'sixteen-letters-'],
  );
  accepts('label', (c) => c.label, [['vip_1.a-b', 'vip_1.a-b']], ['a:b', 'a b', 'é', 'fourteen-chars']);
  accepts('state_dir', (c) => c.stateDir, [['/var/lib/yaim', '/var/lib/yaim']], ['run/yaim', './x', '/a\nb']);
  accepts('on_stop', (c) => c.onStop, [['keep', 'keep']], ['KEEP', 'stop']);
  accepts('log_level', (c) => c.logLevel, [['silly', 'silly']], ['INFO', 'trace']);
  accepts('log_format', (c) => c.logFormat, [['json', 'json']], ['text']);

  it('an interface and a label have 15 characters together at most', () => {
    assert.equal(given({ YAIM_INTERFACE: 'eth0123456', YAIM_LABEL: 'yaim' }).interface, 'eth0123456');
    assert.deepEqual(complaintsAbout({ file: `${REQUIRED}interface: eth01234567\n` }), [
      'yaim.yml:3:12: interface: eth01234567:yaim has 16 characters: interface and label are at most 15 with the ":"',
    ]);
    assert.deepEqual(complaintsAbout({ file: `${REQUIRED}interface: eth0\nlabel: database-ip\n` }), [
      'yaim.yml:4:8: label: eth0:database-ip has 16 characters: interface and label are at most 15 with the ":"',
    ]);
  });

  it('nodename: is the host name by default', () => {
    assert.equal(load({ environment }).config.nodename, 'db1');
  });
});

describe('addresses', () => {
  const listen = (c: Config) => c.httpListen;
  accepts(
    'http_listen',
    listen,
    [
      ['127.0.0.1:8010', { host: '127.0.0.1', port: 8010 }],
      ['[::1]:8010', { host: '::1', port: 8010 }],
      [':8010', { port: 8010 }],
      ['db1.lan:0', { host: 'db1.lan', port: 0 }],
      ['', undefined],
    ],
    ['8010', '::1:8010', '[::1]', 'http://a:80', 'a:65536', 'a b:1', '10.0.0.300:1', '[x]:1', 'none'],
  );
  accepts(
    'pgbouncer_address',
    (c) => c.database.address,
    [
      ['db.example.org', 'db.example.org'],
      ['10.0.0.7', '10.0.0.7'],
      ['::1', '::1'],
      ['[::1]', '::1'],
      ['/var/run/postgresql', '/var/run/postgresql'],
    ],
    ['10.0.0.300', 'a:6432', 'run/x', 'a b', '-a', '[a]'],
  );
  accepts(
    'etcd_endpoints',
    (c) => c.etcd.endpoints,
    [
      ['http://a', ['http://a:2379']],
      [
        'https://A.example:443/, https://[2001:DB8::0:1]/',
        ['https://a.example:443', 'https://[2001:db8::1]:2379'],
      ],
      ['http://a,http://a:2379/', ['http://a:2379']],
    ],
    [
      'a:2379',
      'ftp://a',
      'http://',
      'http://a/b',
      'http://a:0',
      'http://a:99999',
      'http://::1:2379',
      'http://[x]',
      'http://a b',
      'http://a,https://a',
      'http://u:p@a',
      'http://a?x=1',
      ',',
    ],
  );

  it('etcd_endpoints: points to what is meant instead', () => {
    const complaint = (text: string) =>
      complaintsAbout({ environment: { ...environment, YAIM_ETCD_ENDPOINTS: text } });
    assert.deepEqual(complaint('http://root:s3cret@a'), [
      'YAIM_ETCD_ENDPOINTS: must hold no user: etcd_user and etcd_password are the place for them',
    ]);
    assert.match(complaint('http://::1:2379')[0] ?? '', /no path, an IPv6 address in brackets, got/);
    assert.match(complaint('http://a,https://a')[0] ?? '', /must be all http:\/\/ or all https:\/\//);
  });

  it('pgbouncer_address: points to pgbouncer_port', () => {
    const [complaint] = complaintsAbout({
      environment: { ...environment, YAIM_PGBOUNCER_ADDRESS: 'a:6432' },
    });
    assert.match(complaint ?? '', /the port belongs into pgbouncer_port/);
  });
});

describe('db_options', () => {
  const complaint = (text: string) =>
    complaintsAbout({ environment: { ...environment, YAIM_DB_OPTIONS: text } })
      .join('\n')
      .replace('YAIM_DB_OPTIONS: ', '');
  const names = 'sslmode, connect_timeout, sslrootcert, sslcert, sslkey, application_name, options';

  it('is read as in a PostgreSQL URL, with or without the question mark', () => {
    for (const options of ['?sslmode=disable&connect_timeout=2', 'connect_timeout=2&sslmode=disable&']) {
      const { database } = given({ YAIM_DB_OPTIONS: options });
      assert.deepEqual([database.tls, database.connectTimeoutMs], [{ mode: 'disable' }, 2000]);
    }
    const { database } = given({
      YAIM_DB_OPTIONS: '?application_name=yaim%26co&options=-c+statement_timeout%3D9',
    });
    assert.deepEqual([database.applicationName, database.options], ['yaim&co', '-c statement_timeout=9']);
  });

  it('prefers TLS as libpq does, but on a Unix socket there is none', () => {
    assert.deepEqual(given({}).database.tls, { mode: 'prefer' });
    const socket = { YAIM_PGBOUNCER_ADDRESS: '/tmp', YAIM_DB_OPTIONS: '?sslmode=require' };
    assert.deepEqual(given(socket).database.tls, { mode: 'disable' });
  });

  it('names the option that is wrong and what is allowed', () => {
    const modes = 'disable, allow, prefer, require, verify-ca, verify-full';
    assert.equal(complaint('?sslmode=off'), `sslmode must be one of ${modes}`);
    assert.equal(complaint('?connect_timeout=0'), 'connect_timeout must be whole seconds from 1 to 600');
    assert.equal(complaint('?sslmod=x'), `sslmod is unknown; did you mean sslmode? Known: ${names}`);
    assert.equal(complaint('?sslmode=allow&sslmode=allow'), 'sslmode is given twice');
    assert.equal(complaint('?sslmode'), 'sslmode has no value (write name=value)');
    assert.equal(complaint('?host=a'), 'host does not belong here: use pgbouncer_address');
    assert.equal(complaint('?sslcert=a'), 'sslcert and sslkey go together: one of them is missing');
  });

  it('names no piece of a password that an unencoded "&" cut in two', () => {
    assert.equal(complaint('?password=a&b=c'), 'password does not belong here: use pgbouncer_password');
    assert.match(complaint('?hunter=x&password=a'), /^option 1 is unknown/);
  });
});
