import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { complaintsAbout, load, REQUIRED } from './configured.ts';

const required = { YAIM_SERVICE: '/yaim/main', YAIM_ETCD_ENDPOINTS: 'http://a' };

describe('the environment', () => {
  it('is enough without a file', () => {
    const { config, source } = load({ environment: { ...required, PATH: '/bin', YAIM_TTL: '9000' } });
    assert.equal(source, 'environment');
    assert.deepEqual([config.service, config.ttlMs], ['/yaim/main', 9000]);
  });

  it('beats the file, even a wrong value of it', () => {
    const file = `${REQUIRED}ttl: six\nretry_num: 7\n`;
    const { config, source } = load({ file, environment: { YAIM_TTL: '9000' } });
    assert.deepEqual([config.ttlMs, config.retryNum, source], [9000, 7, 'yaim.yml']);
  });

  it('gives a list with commas', () => {
    const { etcd } = load({
      environment: { ...required, YAIM_ETCD_ENDPOINTS: 'http://a, http://b:1,' },
    }).config;
    assert.deepEqual(etcd.endpoints, ['http://a:2379', 'http://b:1']);
  });

  it('names the variable of a wrong value', () => {
    assert.deepEqual(
      complaintsAbout({ environment: { ...required, YAIM_RETRY_NUM: 'three', YAIM_WEIGHT: '-1' } }),
      [
        'YAIM_RETRY_NUM: must be a whole number from 1 to 100, got "three"',
        'YAIM_WEIGHT: must be a number from 0 to 1000000, got -1',
      ],
    );
  });

  it('is refused with an unknown variable, for which the nearest known one is suggested', () => {
    const environment = { ...required, YAIM_INTERVALL: '1', YAIM_ETCD_PASWORD_FILE: '/x' };
    assert.deepEqual(complaintsAbout({ environment }), [
      'YAIM_INTERVALL: unknown variable; did you mean YAIM_INTERVAL?',
      'YAIM_ETCD_PASWORD_FILE: unknown variable; did you mean YAIM_ETCD_PASSWORD_FILE?',
    ]);
  });

  it('may hold what Kubernetes sets for a Service called yaim', () => {
    const kubernetes = {
      YAIM_SERVICE_HOST: '10.0.0.1',
      YAIM_SERVICE_PORT: '8010',
      YAIM_SERVICE_PORT_HTTP: '8010',
      YAIM_PORT: 'tcp://10.0.0.1:8010',
      YAIM_PORT_8010_TCP: 'tcp://10.0.0.1:8010',
      YAIM_PORT_8010_TCP_ADDR: '10.0.0.1',
    };
    assert.deepEqual(complaintsAbout({ environment: { ...required, ...kubernetes } }), []);
    assert.deepEqual(complaintsAbout({ environment: { ...required, YAIM_PORT: '5432' } }), [
      'YAIM_PORT: unknown variable; did you mean YAIM_PGBOUNCER_PORT?',
    ]);
  });

  it('counts an empty variable as not set, except where empty means none', () => {
    const file = `${REQUIRED}interface: eth1\n`;
    const empty = { YAIM_SERVICE: '', YAIM_TTL: '', YAIM_INTERFACE: '', YAIM_ETCD_PASSWORD_FILE: '' };
    const { config } = load({ file, environment: { ...empty, YAIM_HTTP_LISTEN: '' } });
    assert.deepEqual([config.service, config.ttlMs, config.interface], ['/yaim/main', 6000, 'eth1']);
    assert.equal(config.httpListen, undefined);
  });
});

describe('YAIM_…_FILE', () => {
  const user = { ...required, YAIM_ETCD_USER: 'yaim' };

  it('reads a secret from a file, less one newline at its end', () => {
    for (const [text, password] of [
      ['s3cret', 's3cret'],
      ['s3cret\n', 's3cret'],
      ['s3cret\r\n', 's3cret'],
      [' s \n\n', ' s \n'],
    ]) {
      const environment = { ...user, YAIM_ETCD_PASSWORD_FILE: 'secret' };
      assert.equal(load({ environment, beside: { secret: text ?? '' } }).config.etcd.password, password);
    }
  });

  it('works for every key, but a key that is a file itself is that key', () => {
    const environment = { ...required, YAIM_TTL_FILE: 'ttl', YAIM_ETCD_CA_FILE: 'ca.pem' };
    const { config } = load({ environment, beside: { ttl: '9000\n', 'ca.pem': '' } });
    assert.equal(config.ttlMs, 9000);
    assert.match(config.etcd.caFile ?? '', /^\/.*\/ca\.pem$/);
    assert.match(
      complaintsAbout({ environment: { ...required, YAIM_ETCD_CA_FILE_FILE: 'x' } })[0] ?? '',
      /unknown variable/,
    );
  });

  it('names the variable of a file that cannot be read, and does not call the key missing', () => {
    assert.deepEqual(complaintsAbout({ environment: { ...user, YAIM_ETCD_PASSWORD_FILE: '/nowhere' } }), [
      'YAIM_ETCD_PASSWORD_FILE: cannot read the file that it names: no such file',
    ]);
    assert.deepEqual(
      complaintsAbout({ environment: { YAIM_SERVICE_FILE: '/', YAIM_ETCD_ENDPOINTS: 'http://a' } }),
      ['YAIM_SERVICE_FILE: cannot read /: it is a directory'],
    );
    const environment = { ...user, YAIM_ETCD_PASSWORD_FILE: 'empty' };
    assert.deepEqual(complaintsAbout({ environment, beside: { empty: '\n' } }), [
      'YAIM_ETCD_PASSWORD_FILE: the file that it names is empty',
    ]);
  });

  it('excludes the variable itself', () => {
    const environment = { ...user, YAIM_ETCD_PASSWORD: 'a', YAIM_ETCD_PASSWORD_FILE: 'secret' };
    assert.deepEqual(complaintsAbout({ environment, beside: { secret: 'b' } }), [
      'YAIM_ETCD_PASSWORD_FILE: both YAIM_ETCD_PASSWORD and YAIM_ETCD_PASSWORD_FILE are set: one of them must go',
    ]);
  });
});
