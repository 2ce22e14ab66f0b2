import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { renderSchema, SCHEMA_FILE } from '../../scripts/schema.ts';
import { VARIABLES } from '../../src/config/environment.ts';
import { isSecret, KEYS, type Key, schema, variableOf } from '../../src/config/schema.ts';
import { isRequired } from '../../src/config/values.ts';
import { load, REQUIRED } from './configured.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const example = read('yaim.yml');
const manual = read('docs/configuration.md');

/** The default as it is written in a file; undefined where there is none. */
function defaultOf(key: Key): unknown {
  return z.toJSONSchema(schema.shape[key], { io: 'input' }).default;
}

describe('yaim.yml', () => {
  it('loads as it is and says nothing but the defaults', () => {
    assert.deepEqual(load({ file: example, mode: 0o644 }), load({ file: REQUIRED }));
  });

  it('names the schema for editors in its first line', () => {
    assert.ok(example.startsWith('# yaml-language-server: $schema=./yaim.schema.json\n'));
  });

  for (const key of KEYS) {
    const value = defaultOf(key);
    const isActive = isRequired(key) || value !== undefined;
    it(`shows ${key} ${isActive ? 'as it is' : 'as a comment'}`, () => {
      const line = new RegExp(`^${isActive ? '' : '#'}${key}:(.*)$`, 'm').exec(example);
      assert.notEqual(line, null);
      if (value !== undefined) assert.equal(line?.[1]?.trim(), String(value));
    });
  }

  it('still loads with every comment that holds a key turned on', () => {
    const beside = { 'etcd-ca.pem': '', 'etcd.pem': '', 'etcd-key.pem': '' };
    const all = example.replace(/^#(?=[a-z])/gm, '').replaceAll('/etc/yaim/', '');
    const { config } = load({ file: all, beside });
    assert.deepEqual(
      [config.etcd.user, config.database.connectTimeoutMs, config.interface],
      ['yaim', 2000, 'eth0'],
    );
  });
});

describe('docs/configuration.md', () => {
  const sections = new Map(
    manual.split('\n### ').map((text) => [/^`(\w+)`/.exec(text)?.[1], text.split('\n## ')[0] ?? '']),
  );

  for (const key of KEYS) {
    it(`tells type, default and variables of ${key}`, () => {
      const section = sections.get(key) ?? '';
      const variables = [...VARIABLES].filter(
        ([name, meaning]) =>
          meaning.key === key && (isSecret(key) || !meaning.isFile || name === variableOf(key)),
      );
      const summary = section.split('\n')[2] ?? '';
      for (const [variable] of variables)
        assert.ok(summary.includes(`\`${variable}\``), `${variable} in: ${summary}`);
      const value = defaultOf(key);
      if (value !== undefined) assert.ok(summary.includes(`default \`${value}\``), `${value} in: ${summary}`);
      else assert.match(summary, isRequired(key) ? /· required ·/ : /· (no default|default: [a-z ]+) ·/);
    });
  }

  it('has no section for a key that does not exist', () => {
    const documented = [...sections.keys()].filter((key) => key !== undefined);
    assert.deepEqual(documented.toSorted(), KEYS.toSorted());
  });

  it('shows complaints as they are', () => {
    const lines = manual.match(/^(yaim\.yml:\d+:\d+|YAIM_\w+): .*$/gm) ?? [];
    const file = `${'\n'.repeat(9)}${REQUIRED}retry_num: three\n\n\nintervall: 1\n`;
    assert.throws(
      () => load({ file, environment: { YAIM_TTL: '6s' } }),
      (error) => String(error) === lines.join('\n'),
    );
  });
});

describe('yaim.schema.json', () => {
  it('is current', () => assert.equal(readFileSync(SCHEMA_FILE, 'utf8'), renderSchema()));

  it('describes every key, and requires and defaults as the program does', () => {
    const json = JSON.parse(renderSchema());
    assert.deepEqual(Object.keys(json.properties), KEYS);
    assert.deepEqual(json.required, ['service', 'etcd_endpoints']);
    for (const key of KEYS) {
      assert.ok(json.properties[key].description.length > 4, key);
      assert.deepEqual(json.properties[key].default, defaultOf(key), key);
    }
  });
});
