import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { complaintsAbout, load, REQUIRED } from './configured.ts';

/** What is refused of a file that begins with the two required lines. */
const after = (lines: string) => complaintsAbout({ file: REQUIRED + lines });

describe('the configuration file', () => {
  it('reports every problem at once, in the order of the file, each with line and column of the value', () => {
    const file =
      'interval: fast\n# a comment\n  \nservice: /a//b\netcd_endpoints:\n  - http://a\n  - b:1\nttl:   3500\n';
    assert.deepEqual(complaintsAbout({ file }), [
      'yaim.yml:1:11: interval: must be whole milliseconds from 10 to 3600000, got "fast"',
      'yaim.yml:4:10: service: must have no empty part ("//"), got "/a//b"',
      'yaim.yml:7:5: etcd_endpoints: must begin with http:// or https://, got "b:1"',
      'yaim.yml:8:8: ttl: must be milliseconds in whole seconds (a multiple of 1000) from 3000 to 3600000, got 3500',
    ]);
  });

  it('may be indented as a whole', () => {
    const file = '  service: x\n  etcd_endpoints: http://a\n  retry_num: three\n';
    assert.deepEqual(complaintsAbout({ file }), [
      'yaim.yml:3:14: retry_num: must be a whole number from 1 to 100, got "three"',
    ]);
  });

  it('is refused with an unknown key, for which the nearest known one is suggested', () => {
    assert.deepEqual(after('intervall: 1\nhttp-listen: x\nlisten: x\nlogLevel: info\n'), [
      'yaim.yml:3:1: intervall: unknown key; did you mean interval?',
      'yaim.yml:4:1: http-listen: unknown key; did you mean http_listen?',
      'yaim.yml:5:1: listen: unknown key; did you mean http_listen?',
      'yaim.yml:6:1: logLevel: unknown key; did you mean log_level?',
    ]);
  });

  it('is refused without a required key, at the place where its keys begin', () => {
    const [service, endpoints, ...more] = complaintsAbout({ file: '\n# nothing but\ninterval: 100\n' });
    assert.match(
      service ?? '',
      /^yaim\.yml:3:1: service: is required, here or as YAIM_SERVICE: Literal prefix/,
    );
    assert.match(
      endpoints ?? '',
      /^yaim\.yml:3:1: etcd_endpoints: is required, here or as YAIM_ETCD_ENDPOINTS: URLs/,
    );
    assert.deepEqual(more, []);
  });

  it('is refused when it is empty and the environment does not make up for that', () => {
    for (const file of ['', '\n\n', '# all commented out\n', '---\n', 'null']) {
      const [first, ...more] = complaintsAbout({ file });
      assert.equal(first, 'yaim.yml:1:1: the file is empty');
      assert.equal(more.length, 2);
    }
    const environment = { YAIM_SERVICE: 'x', YAIM_ETCD_ENDPOINTS: 'http://a' };
    assert.equal(load({ file: '# none\n', environment }).source, 'yaim.yml');
  });

  it('is refused when it is a list, a text or a second document', () => {
    assert.deepEqual(complaintsAbout({ file: '\n- service: x\n' }), [
      'yaim.yml:2:1: must be lines of "key: value"',
    ]);
    assert.deepEqual(complaintsAbout({ file: 'service' }), ['yaim.yml:1:1: must be lines of "key: value"']);
    assert.deepEqual(after('---\nttl: 3000\n'), [
      'yaim.yml:3:1: etcd_endpoints: a second document begins here ("---"): there must be one only',
    ]);
  });

  it('is refused when it is no UTF-8, and may begin with a byte order mark', () => {
    const latin1 = Buffer.from('service: caf\xe9\n', 'latin1');
    assert.deepEqual(complaintsAbout({ file: latin1 }), ['yaim.yml: cannot be read: it is not UTF-8 text']);
    assert.equal(load({ file: `\ufeff${REQUIRED}` }).config.service, '/yaim/main');
  });

  it('may have the line ends of Windows', () => {
    const file = `${REQUIRED}retry_num: three\n`.replaceAll('\n', '\r\n');
    assert.match(complaintsAbout({ file })[0] ?? '', /^yaim\.yml:3:12: retry_num: .* got "three"$/);
    assert.equal(load({ file: REQUIRED.replaceAll('\n', '\r\n') }).config.service, '/yaim/main');
  });
});

describe('YAML that cannot be read', () => {
  const cases: readonly (readonly [what: string, lines: string, complaint: string])[] = [
    ['a repeated key', 'ttl: 3000\nttl: 4000\n', '4:1: ttl: is given twice: one of the two must go'],
    ['a tab', '\tttl: 3000\n', '3:1: ttl: is indented with a tab: use spaces'],
    [
      'a missing bracket',
      'db_options: [a\n',
      '4:1: db_options: is not indented as YAML needs it, or a bracket is not closed',
    ],
    [
      'a reserved character',
      'label: @x\n',
      '3:8: label: begins with a character that YAML reserves: write the value in quotes',
    ],
    [
      'a missing space',
      'label:x\n',
      '3:1: label: something is missing here: a closing quote or bracket, a comma, or ": " after a key',
    ],
    [
      'brackets of an IPv6 address',
      'http_listen: [::1]:80\n',
      '3:19: http_listen: is not expected here: a value with special characters needs quotes',
    ],
    [
      'two keys in a line',
      'label: x: y\n',
      '3:8: label: is indented or nested where it must not be: write "key: value", all keys at the same column',
    ],
    [
      'a backslash',
      'label: "\\q"\n',
      '3:9: label: has a backslash in double quotes that YAML does not know: use single quotes',
    ],
    [
      'an unknown alias',
      'label: *x\n',
      '3:8: label: begins with "*", which is an alias in YAML: write the value in quotes',
    ],
    [
      'an anchor of nothing',
      'label: &x\n',
      '3:1: label: begins with "&", which is an anchor in YAML: write the value in quotes',
    ],
    [
      'a tag',
      'label: !!js/function "x"\n',
      '3:8: label: has a tag ("!"), and tags are not allowed: write the value in quotes if the "!" is part of it',
    ],
  ];
  for (const [what, lines, complaint] of cases) {
    it(`names the place of ${what}`, () => assert.deepEqual(after(lines), [`yaim.yml:${complaint}`]));
  }

  it('says nothing of missing keys that may be in it', () => {
    assert.equal(complaintsAbout({ file: '\tservice: x\n' }).length, 1);
  });

  it('is reported once a line, however deep it is', () => {
    const complaints = complaintsAbout({ file: `service: ${'['.repeat(5000)}` });
    assert.equal(complaints.length, 1);
    assert.match(complaints[0] ?? '', /^yaim\.yml:1:\d+: service: is nested too deeply$/);
  });

  it('does not grow by aliases of aliases', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
    const complaints = complaintsAbout({ file: `a0: &a0 [x]\n${levels.join('\n')}\nservice: *a30\n` });
    assert.ok(complaints.includes('yaim.yml:32:10: service: must be a text, got a list of 9'));
  });
});

describe('a value of the file', () => {
  it('may be an alias of another value', () => {
    const { database } = load({
      file: `${REQUIRED}pgbouncer_user: &user yaim\npgbouncer_database: *user\n`,
    }).config;
    assert.deepEqual([database.user, database.name], ['yaim', 'yaim']);
  });

  it('is a text as it is spelled, whatever else YAML would make of it', () => {
    for (const spelled of ['0123', '1e5', '0x1F', 'true', '1.10', '2026-01-01']) {
      const { config } = load({ file: `${REQUIRED}nodename: ${spelled}\npgbouncer_password: ${spelled}\n` });
      assert.deepEqual([config.nodename, config.database.password], [spelled, spelled]);
    }
  });

  it('is the default where nothing stands after the colon', () => {
    const { config } = load({ file: `${REQUIRED}ttl:\nlabel: ~\netcd_user:\ninterface: ""\n` });
    assert.deepEqual(
      [config.ttlMs, config.label, config.etcd.user, config.interface],
      [6000, 'yaim', undefined, undefined],
    );
  });

  it('is no mapping', () => {
    assert.deepEqual(after('label: {a: b}\nlog_level: {}\nweight: [1]\n'), [
      'yaim.yml:3:8: label: must be a text, got a mapping',
      'yaim.yml:4:12: log_level: must be one of error, warn, info, http, verbose, debug, silly, got a mapping',
      'yaim.yml:5:9: weight: must be a number from 0 to 1000000, got a list of 1',
    ]);
  });
});
