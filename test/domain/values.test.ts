import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  formatGuard,
  formatPoolOptions,
  formatPresence,
  formatSession,
  parseGuard,
  parsePoolOptions,
  parsePresence,
  parseSession,
} from '../../src/domain/values.ts';
import { address } from '../support/a-view.ts';

const seven = address('10.0.0.7');
const seven6 = address('2001:db8::7');
const addresses = fc
  .nat(255)
  .chain((last) => fc.constantFrom(address(`10.0.0.${last}`), address(`2001:db8::${last.toString(16)}`)));
/** Text that is no JSON, JSON of every kind, and objects whose fields are of any type. */
const garbage = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .record({
      instance: fc.jsonValue(),
      health: fc.jsonValue(),
      occupied: fc.jsonValue(),
      refuses: fc.jsonValue(),
      weight: fc.jsonValue(),
      node: fc.jsonValue(),
      since: fc.jsonValue(),
      subnets: fc.jsonValue(),
    })
    .map((value) => JSON.stringify(value)),
);

suite('pool options', () => {
  const read = (text: string, ip = seven) => parsePoolOptions(text, ip);

  test('are none where the value is empty', () => {
    for (const text of ['', ' ', '\n', '{}']) assert.deepEqual(read(text), {});
  });
  test('may all be given', () => {
    const all = { interface: 'eth1', netmask: 24, node: 'db2', prefer: 'db1', role: 'primary' };
    assert.deepEqual(read(JSON.stringify(all)), all);
  });
  for (const [text, problem] of [
    ['{', /^the value is no JSON$/],
    ['db1', /^the value is no JSON$/],
    ['null', /^the value must be an object$/],
    ['[]', /^the value must be an object$/],
    ['"db1"', /^the value must be an object$/],
    ['{"nod":"db2"}', /^the value must not have "nod"$/],
    ['{"netmask":"24"}', /^netmask: must be a number$/],
    ['{"netmask":0}', /^netmask: must be at least 1$/],
    ['{"netmask":33}', /^netmask: an IPv4 prefix length is at most 32$/],
    ['{"netmask":129}', /^netmask: must be at most 128$/],
    ['{"netmask":24.5}', /^netmask: must be a whole number$/],
    ['{"node":""}', /^node: /],
    ['{"node":null}', /^node: /],
    ['{"interface":"an-interface-too-long"}', /^interface: /],
    ['{"node":1,"role":2}', /^node: .*; role: /],
  ] as const) {
    test(`${text} are a problem that names the option`, () => {
      const options = read(text);
      assert.match('problem' in options ? options.problem : 'read', problem);
    });
  }
  test('may have a prefix length beyond 32 for IPv6', () => {
    assert.deepEqual(read('{"netmask":64}', seven6), { netmask: 64 });
    assert.deepEqual(read('{"netmask":128}', seven6), { netmask: 128 });
  });
  test('that are written can be read', () => {
    const text = fc.string({ minLength: 1, maxLength: 15 });
    const options = fc.record(
      { interface: text, netmask: fc.integer({ min: 1, max: 32 }), node: text, prefer: text, role: text },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(options, addresses, (some, ip) => {
        assert.deepEqual(parsePoolOptions(formatPoolOptions(some), ip), { ...some });
      }),
    );
  });
  test('that are anything never throw', () =>
    fc.assert(fc.property(garbage, (text) => typeof read(text) === 'object')));
});

suite('a presence', () => {
  test('that is written can be read', () => {
    const presence = fc.record({
      instance: fc.string(),
      weight: fc.double({ min: 0, max: 1e6, noNaN: true }).map((weight) => weight + 0),
      role: fc.option(fc.string()),
      subnets: fc.array(fc.string()),
      refuses: fc.array(fc.tuple(addresses, fc.string())).map((entries) => new Map(entries)),
    });
    fc.assert(
      fc.property(presence, (some) => assert.deepEqual(parsePresence(formatPresence(some)), { ...some })),
    );
  });
  test('that cannot be read is one with defaults: whoever wrote it is there', () => {
    const defaults = { instance: '', weight: 1, role: null, subnets: [], refuses: new Map() };
    for (const text of [
      '',
      'x',
      'null',
      '3',
      '[]',
      '[1]',
      '"a"',
      '{}',
      '{"weight":"heavy","role":7}',
      '{"weight":-1,"refuses":[]}',
    ])
      assert.deepEqual(parsePresence(text), defaults, text);
  });
  test('keeps what can be read beside what cannot', () =>
    assert.equal(parsePresence('{"weight":2,"subnets":"all"}').weight, 2));
  test('refuses addresses in whatever spelling', () =>
    assert.deepEqual(
      parsePresence('{"refuses":{"2001:DB8:0::7":"why","db1":"none"}}').refuses,
      new Map([[seven6, 'why']]),
    ));
  test('that is anything never throws', () =>
    fc.assert(fc.property(garbage, (text) => parsePresence(text).weight >= 0)));
});

suite('a session', () => {
  test('that is written can be read', () => {
    const content = {
      instance: fc.string(),
      health: fc.string(),
      healthSince: fc.option(fc.string()),
      occupied: fc.array(addresses),
      away: fc.constant(true as const),
    };
    const requiredKeys = ['instance', 'health', 'healthSince', 'occupied'] as const;
    fc.assert(
      fc.property(fc.record(content, { requiredKeys: [...requiredKeys] }), (some) =>
        assert.deepEqual(parseSession(formatSession(some)), { ...some }),
      ),
    );
  });
  test('that cannot be read is one with defaults', () => {
    for (const text of ['', 'x', 'null', '[]', '{"occupied":7}'])
      assert.deepEqual(
        parseSession(text),
        { instance: '', health: 'unknown', healthSince: null, occupied: [] },
        text,
      );
  });
  test('occupies what is an address', () =>
    assert.deepEqual(parseSession('{"occupied":["db1","2001:DB8:0::7"]}').occupied, [seven6]));
  test('that is anything never throws', () =>
    fc.assert(fc.property(garbage, (text) => Array.isArray(parseSession(text).occupied))));
});

suite('a guard', () => {
  test('that is written can be read', () =>
    fc.assert(
      fc.property(fc.record({ node: fc.string(), since: fc.string() }), (some) =>
        assert.deepEqual(parseGuard(formatGuard(some)), { ...some }),
      ),
    ));
  test('that cannot be read is one of nobody', () => {
    for (const text of ['', 'x', 'null', '[]', '{"node":7}'])
      assert.deepEqual(parseGuard(text), { node: '', since: '' }, text);
  });
  test('that is anything never throws', () =>
    fc.assert(fc.property(garbage, (text) => typeof parseGuard(text).node === 'string')));
});
