import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type Key, keysOf } from '../../src/domain/keys.ts';
import { address } from '../support/a-view.ts';

const keys = keysOf('svc');

function parsed(path: string): Key {
  return keys.parse(`svc/${path}`);
}

/** "mark 10.0.0.7", "node db1", "other", "invalid". */
function meaning(path: string): string {
  const key = parsed(path);
  if ('address' in key) return `${key.kind} ${key.address}`;
  return 'name' in key ? `${key.kind} ${key.name}` : key.kind;
}

suite('a key of the contract', () => {
  for (const [path, expected] of [
    ['nodes/db1', 'node db1'],
    ['nodes/db1.example.com', 'node db1.example.com'],
    ['drain/db1', 'drain db1'],
    ['drain/db1/', 'drain db1'],
    ['ips/10.0.0.7', 'pool 10.0.0.7'],
    ['ips/10.0.0.7/', 'pool 10.0.0.7'],
    ['ips/10.0.0.7/marked', 'mark 10.0.0.7'],
    ['ips/2001:db8::7', 'pool 2001:db8::7'],
    ['ips/2001:DB8:0::7', 'pool 2001:db8::7'],
    ['ips/2001:db8:0:0:0:0:0:7/', 'pool 2001:db8::7'],
    ['ips/2001:db8::7/marked', 'mark 2001:db8::7'],
    ['sessions/db1', 'session db1'],
    ['guards/10.0.0.7', 'guard 10.0.0.7'],
    ['guards/2001:db8::7', 'guard 2001:db8::7'],
  ] as const) {
    test(`${path} is ${expected}`, () => assert.equal(meaning(path), expected));
  }
});

suite('a key that is ignored with a warning', () => {
  for (const [path, problem] of [
    ['ips/db1', '"db1" is no IPv4 or IPv6 address'],
    ['ips/10.0.0.7.8', '"10.0.0.7.8" is no IPv4 or IPv6 address'],
    ['ips/10.0.0.07', '"10.0.0.07" is no IPv4 or IPv6 address'],
    ['ips//marked', '"" is no IPv4 or IPv6 address'],
    ['ips/10.0.0.7/24', 'only <address> and <address>/marked are read below ips/'],
    ['ips/10.0.0.7/Marked', 'only <address> and <address>/marked are read below ips/'],
    ['ips/10.0.0.7/marked/', 'only <address> and <address>/marked are read below ips/'],
    ['ips/10.0.0.7//', 'only <address> and <address>/marked are read below ips/'],
    ['ips/2001:DB8::7/marked', 'marks are written as ips/2001:db8::7/marked'],
    ['guards/2001:DB8::7', 'guards are written as guards/2001:db8::7'],
    ['nodes/db1/x', 'a node name has no slash'],
    ['nodes/db1/', 'a node name has no slash'],
    ['sessions/db1/', 'a node name has no slash'],
    ['drain/db1/x', 'a node name has no slash'],
    ['drain/db1//', 'a node name has no slash'],
  ] as const) {
    test(path, () => assert.deepEqual(parsed(path), { kind: 'invalid', problem }));
  }
  for (const text of ['127.0.0.1', '224.0.0.1', 'fe80::7', '::1', '0.0.0.0'])
    test(`ips/${text}, by which no client reaches a server`, () =>
      assert.equal(meaning(`ips/${text}`), 'invalid'));
});

suite('a key that is nobody’s business', () => {
  for (const path of [
    '',
    'ips',
    'ips/',
    'nodes',
    'nodes/',
    'drain/',
    'guards/',
    'guards/db1',
    'history/1',
    'ipsx/10.0.0.7',
    'IPS/10.0.0.7',
  ])
    test(`svc/${path}`, () => assert.equal(meaning(path), 'other'));
  for (const key of ['', 'svc', 'svcx/ips/10.0.0.7', 'other/svc/ips/10.0.0.7', '/svc/ips/10.0.0.7'])
    test(JSON.stringify(key), () => assert.deepEqual(keys.parse(key), { kind: 'other' }));
});

suite('the service', () => {
  test('is the same with a slash behind it', () => {
    for (const service of ['svc', 'svc/', 'svc//']) assert.equal(keysOf(service).prefix, 'svc/');
  });
  test('is literal', () => {
    const literal = keysOf('/a.b*/c');
    assert.equal(literal.node('db1'), '/a.b*/c/nodes/db1');
    assert.deepEqual(literal.parse('/a.b*/c/nodes/db1'), { kind: 'node', name: 'db1' });
    assert.deepEqual(literal.parse('/axb*/c/nodes/db1'), { kind: 'other' });
  });
});

test('what is written can be read', () => {
  const names = fc.string({ minLength: 1 }).filter((text) => !text.includes('/'));
  const addresses = fc
    .oneof(
      fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat(255)).map(([a, b]) => `${a}.0.0.${b}`),
      fc.nat(0xffff).map((group) => `2001:DB8::${group.toString(16)}`),
    )
    .map(address);
  fc.assert(
    fc.property(fc.string(), names, addresses, (service, name, ip) => {
      const some = keysOf(service);
      for (const kind of ['node', 'session', 'drain'] as const)
        assert.deepEqual(some.parse(some[kind](name)), { kind, name });
      for (const kind of ['pool', 'mark', 'guard'] as const)
        assert.deepEqual(some.parse(some[kind](ip)), { kind, address: ip });
    }),
  );
});

test('no key makes the parser throw', () =>
  fc.assert(
    fc.property(
      fc.constantFrom('ips/', 'nodes/', 'guards/', 'drain/', ''),
      fc.string(),
      (directory, rest) => {
        parsed(`${directory}${rest}`);
      },
    ),
  ));
