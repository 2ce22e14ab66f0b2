import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  compareAddresses,
  familyOf,
  hostPrefixLength,
  isInSubnet,
  parseAddress,
  whyUnusable,
} from '../../src/domain/address.ts';
import { orderKey, subnetTest } from '../../src/domain/address-order.ts';
import { address } from '../support/a-view.ts';

const anyAddress = fc
  .oneof(fc.ipV4(), fc.ipV6())
  .map(parseAddress)
  .filter((found) => found !== undefined);

suite('an address', () => {
  for (const [text, canonical] of [
    ['10.0.0.7', '10.0.0.7'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:db8::7', '2001:db8::7'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['2001:0db8:0000::0007', '2001:db8::7'],
    ['2001:db8:0:1:0:0:0:7', '2001:db8:0:1::7'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:10.0.0.7', '::ffff:a00:7'],
    ['::', '::'],
  ] as const) {
    test(`${text} is written ${canonical}`, () => assert.equal(parseAddress(text), canonical));
  }
  for (const text of [
    '',
    ' ',
    '10',
    '10.0.7',
    '167772167',
    '0x0a000007',
    '10.0.0.07',
    '010.0.0.7',
    '10.0.0.256',
    '10.0.0.7.8',
    '10.0.0.7/32',
    '10.0.0.7 ',
    '10.0.0.7\n',
    '-1.0.0.7',
    '1e1.0.0.7',
    '2001:db8::7%eth0',
    '2001:db8::7/128',
    '2001:db8::7::1',
    '2001:db8:1:2:3:4:5:6:7',
    '[2001:db8::7]',
    ':',
    'db1',
    '10.0.0.7:5432',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(parseAddress(text), undefined));
  }
  test('has one spelling', () =>
    fc.assert(fc.property(anyAddress, (found) => parseAddress(found) === found)));
  test('keeps its spelling in whatever case it is written', () =>
    fc.assert(fc.property(fc.ipV6(), (text) => parseAddress(text) === parseAddress(text.toUpperCase()))));
  test('is never made of arbitrary text that throws', () =>
    fc.assert(fc.property(fc.string(), (text) => parseAddress(text) === undefined || text !== '')));
  test('has a family, and the prefix length of a host in it', () => {
    assert.deepEqual(['10.0.0.7', '::1'].map(address).map(familyOf), [4, 6]);
    assert.deepEqual(['10.0.0.7', '::1'].map(address).map(hostPrefixLength), [32, 128]);
  });
});

suite('servers can share', () => {
  for (const text of ['10.0.0.7', '192.168.1.1', '203.0.113.5', '2001:db8::7', 'fd00::7', '100.64.0.1'])
    test(text, () => assert.equal(whyUnusable(address(text)), undefined));
});

suite('servers cannot share', () => {
  for (const [text, what] of [
    ['0.0.0.0', 'the unspecified address'],
    ['127.0.0.1', 'a loopback address'],
    ['169.254.1.1', 'a link-local address'],
    ['224.0.0.1', 'a multicast address'],
    ['255.255.255.255', 'the broadcast address'],
    ['::', 'the unspecified address'],
    ['::1', 'a loopback address'],
    ['fe80::1', 'a link-local address'],
    ['ff02::1', 'a multicast address'],
    ['::ffff:10.0.0.7', 'an IPv4 address in the guise of IPv6'],
  ] as const)
    test(text, () =>
      assert.equal(whyUnusable(address(text)), `is ${what}, by which no client could reach a server`),
    );
});

suite('addresses are ordered', () => {
  const sorted = ['9.0.0.1', '10.0.0.9', '10.0.0.10', '10.0.1.0', '::2', '2001:db8::9', '2001:db8::10'];
  test('by family, then by number', () =>
    assert.deepEqual(sorted.toReversed().map(address).sort(compareAddresses), sorted));
  test('alike by their order keys', () =>
    fc.assert(
      fc.property(anyAddress, anyAddress, (a, b) => {
        const byKey = orderKey(a) === orderKey(b) ? 0 : orderKey(a) < orderKey(b) ? -1 : 1;
        assert.equal(Math.sign(compareAddresses(a, b)), byKey);
      }),
    ));
});

suite('a subnet', () => {
  for (const [subnet, inside, outside] of [
    ['10.0.0.0/24', '10.0.0.255', '10.0.1.0'],
    ['10.0.0.77/24', '10.0.0.1', '10.0.1.1'],
    ['0.0.0.0/0', '203.0.113.1', '2001:db8::7'],
    ['2001:db8::/64', '2001:db8::ffff', '2001:db8:0:1::'],
    ['::/0', '2001:db8::7', '10.0.0.7'],
  ] as const) {
    test(`${subnet} has ${inside} and not ${outside}`, () => {
      assert.deepEqual(
        [inside, outside].map(address).map((ip) => isInSubnet(ip, subnet)),
        [true, false],
      );
    });
  }
  test('that cannot be read has nothing', () => {
    for (const subnet of ['', 'default', '10.0.0.0', '10.0.0.0/33', 'x/8', '/8', '10.0.0.0/'])
      assert.equal(isInSubnet(address('10.0.0.7'), subnet), false, subnet);
  });
  test('has the same addresses by their order keys', () =>
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.nat(128), (ip, network, length) => {
        const subnet = `${network}/${length}`;
        assert.equal(subnetTest(subnet)(orderKey(ip)), isInSubnet(ip, subnet));
      }),
    ));
});
