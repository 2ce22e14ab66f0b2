import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/config/problem.ts';
import { complaintsAbout, load, REQUIRED } from './configured.ts';

const SECRET = 'hunter2';

/** What people write around a secret, rightly or wrongly. */
const MISTAKES = [
  '',
  '*',
  '&',
  '!',
  '!!',
  '%',
  '@',
  '`',
  '"',
  "'",
  '[',
  '{',
  '- ',
  '? ',
  '| ',
  '> ',
  'a: ',
  '"\\q',
  '\t',
  '\n\t',
  '\n',
  '#',
];

/** Whether a complaint tells the secret, other than as a key: a line `hunter2a: …` is one, and has to be named. */
const isLeak = (complaint: string) => complaint.replace(/: \S+: unknown key/, '').includes(SECRET);

describe('a secret', () => {
  it('is in no complaint, whatever mistake stands before or behind it', () => {
    for (const before of MISTAKES) {
      for (const after of ['', ...MISTAKES]) {
        for (const key of ['etcd_password: ', 'pgbouncer_password: ', 'pgbouncer_password:']) {
          const file = `${REQUIRED}retry_num: three\n${key}${before}${SECRET}${after}\n`;
          const leaks = complaintsAbout({ file }).filter(isLeak);
          assert.deepEqual(leaks, [], JSON.stringify(file));
        }
      }
    }
  });

  it('is in no complaint about a file that is noise', () => {
    const piece = fc.constantFrom(
      ...MISTAKES,
      SECRET,
      ' ',
      ': ',
      ':',
      ',',
      '}',
      ']',
      '\n',
      'etcd_password',
      'db_options: ',
    );
    const noise = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(noise, (value) => {
        const file = `${REQUIRED}pgbouncer_password: ${value}`;
        assert.deepEqual(complaintsAbout({ file }).filter(isLeak), []);
      }),
      { numRuns: 300 },
    );
  });

  it('is not shown in a URL, nor when a comma in it cuts the URL in two', () => {
    const places = [
      `http://root:${SECRET}@a`,
      `http://root:x,${SECRET}@a`,
      `root:${SECRET}@a`,
      `http://a/?password=${SECRET}`,
    ];
    for (const url of places) {
      const environment = { YAIM_SERVICE: 'x', YAIM_ETCD_ENDPOINTS: url };
      const file = `service: x\netcd_endpoints: ['${url.split(',').join("', '")}']\n`;
      for (const complaints of [complaintsAbout({ environment }), complaintsAbout({ file })]) {
        assert.notEqual(complaints.length, 0);
        assert.ok(!complaints.join('\n').includes(SECRET), complaints.join('\n'));
      }
    }
  });

  it('is not shown when db_options hold it, or when it stands where its file should', () => {
    const environment = {
      YAIM_SERVICE: 'x',
      YAIM_ETCD_ENDPOINTS: 'http://a',
      YAIM_DB_OPTIONS: `?password=${SECRET}&sslmode=${SECRET}&${SECRET}`,
      YAIM_PGBOUNCER_PASSWORD_FILE: SECRET,
      YAIM_ETCD_PASWORD: SECRET,
    };
    const complaints = complaintsAbout({ environment });
    assert.equal(complaints.length, 3);
    assert.ok(!complaints.join('\n').includes(SECRET), complaints.join('\n'));
  });

  it('is in nothing that the error carries', () => {
    const file = `${REQUIRED}etcd_password: ${SECRET}\nttl: x\n`;
    assert.throws(
      () => load({ file }),
      (error) =>
        error instanceof ConfigError && !JSON.stringify([error.problems, error.message]).includes(SECRET),
    );
  });

  it('in a file that every user can read is worth a warning', () => {
    const file = `${REQUIRED}pgbouncer_password: ${SECRET}\n`;
    assert.deepEqual(load({ file, mode: 0o644 }).warnings, [
      'yaim.yml holds pgbouncer_password, and every user can read it: chmod o-r yaim.yml',
    ]);
    assert.deepEqual(load({ file, mode: 0o640 }).warnings, []);
    assert.deepEqual(
      load({ file: REQUIRED, mode: 0o644, environment: { YAIM_PGBOUNCER_PASSWORD: 'x' } }).warnings,
      [],
    );
  });
});
