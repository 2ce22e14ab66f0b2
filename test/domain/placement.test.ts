import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Route } from '../../src/domain/kernel.ts';
import { placementOf } from '../../src/domain/placement.ts';
import type { PoolOptions } from '../../src/domain/pool.ts';
import type { Settings } from '../../src/domain/view.ts';
import { address, aSettings, someLinks } from '../support/a-view.ts';

const links = { eth0: true, eth1: true, eth2: true };

/** "eth0/32", or the problem. */
function placed(
  text: string,
  parts: {
    readonly options?: PoolOptions;
    readonly settings?: Partial<Settings>;
    readonly routes?: readonly string[];
    readonly links?: Readonly<Record<string, boolean>>;
  } = {},
): string {
  const kernel = {
    addresses: new Map(),
    links: someLinks({ ...links, ...parts.links }),
    routes: (parts.routes ?? []).map(aRoute),
  };
  const placement = placementOf(address(text), parts.options ?? {}, aSettings(parts.settings), kernel);
  return 'problem' in placement ? placement.problem : `${placement.interface}/${placement.prefixLength}`;
}

/** "10.0.0.0/24 eth0 100": subnet, interface, metric; "default6" is IPv6's default route. */
function aRoute(text: string): Route {
  const [subnet = '', name = '', metric = '0'] = text.split(' ');
  const family = subnet.includes(':') || subnet === 'default6' ? 6 : 4;
  return { family, subnet: subnet.replace('default6', 'default'), interface: name, metric: Number(metric) };
}

suite('the interface', () => {
  const byRoute = (text: string, ...routes: string[]) =>
    placed(text, { settings: { interface: null }, routes });

  test('is the one that the pool options name, before the node’s own', () =>
    assert.equal(placed('10.0.0.7', { options: { interface: 'eth1' } }), 'eth1/32'));
  test('is the one that the node names, before any route', () =>
    assert.equal(placed('10.0.0.7', { routes: ['10.0.0.0/24 eth1'] }), 'eth0/32'));
  test('is by default the one whose route leads to the address', () =>
    assert.equal(byRoute('10.0.0.7', 'default eth0', '10.0.0.0/24 eth1'), 'eth1/32'));
  test('of the longest prefix wins, in whatever order they are listed', () => {
    const routes = ['10.0.0.0/24 eth1', '10.0.0.0/8 eth0', '10.0.0.0/28 eth2'];
    for (const order of [routes, routes.toReversed()]) assert.equal(byRoute('10.0.0.7', ...order), 'eth2/32');
  });
  test('of the lowest metric wins among equals', () => {
    const routes = ['10.0.0.0/24 eth0 200', '10.0.0.0/24 eth1 100', '10.0.0.0/24 eth2 300'];
    for (const order of [routes, routes.toReversed()]) assert.equal(byRoute('10.0.0.7', ...order), 'eth1/32');
  });
  test('is another one as soon as the routes are others', () => {
    const kernel = (route: string) => ({
      addresses: new Map(),
      links: someLinks(links),
      routes: [aRoute(route)],
    });
    const [before, after] = [kernel('10.0.0.0/24 eth0 0'), kernel('10.0.0.0/24 eth1 0')];
    const of = (seen: typeof before) =>
      placementOf(address('10.0.0.7'), {}, aSettings({ interface: null }), seen);
    const expected = [before, before, after, before].map(({ routes: [route] }) => route?.interface);
    assert.deepEqual(
      [before, before, after, before].map((seen) => {
        const placement = of(seen);
        return 'interface' in placement ? placement.interface : placement.problem;
      }),
      expected,
    );
  });
  test('a metric does not beat a longer prefix', () =>
    assert.equal(byRoute('10.0.0.7', '10.0.0.0/24 eth0 0', '10.0.0.0/25 eth1 900'), 'eth1/32'));
  test('is the default route’s where no other leads there', () =>
    assert.equal(byRoute('10.0.0.7', '192.168.0.0/16 eth1', 'default eth0'), 'eth0/32'));
  test('is not a host route’s: such a route is an address of this host, or a special case', () => {
    assert.equal(byRoute('10.0.0.7', '10.0.0.7/32 eth1', '10.0.0.0/24 eth0'), 'eth0/32');
    assert.equal(byRoute('2001:db8::7', '2001:db8::7/128 eth1', '2001:db8::/64 eth0'), 'eth0/128');
    assert.equal(byRoute('10.0.0.7', '10.0.0.7 eth1'), 'no route leads there: set "interface"');
  });
  test('of IPv6 is found by IPv6 routes alone', () => {
    assert.equal(byRoute('2001:db8::7', 'default eth0', 'default6 eth1'), 'eth1/128');
    assert.equal(byRoute('2001:db8::7', 'default eth0'), 'no route leads there: set "interface"');
    assert.equal(byRoute('10.0.0.7', 'default6 eth0'), 'no route leads there: set "interface"');
  });
  test('that is down has no routes: where none leads to the address, what is down is named', () => {
    const problem = (...down: string[]) =>
      placed('10.0.0.7', {
        settings: { interface: null },
        links: Object.fromEntries(down.map((name) => [name, false])),
      });
    const either = 'no route leads there: set "interface", or see to what is down and has no routes';
    assert.equal(problem('eth1'), `${either} (eth1)`);
    assert.equal(problem('eth2', 'eth1'), `${either} (eth1, eth2)`);
    assert.equal(problem('eth0', 'eth1', 'eth2', 'eth3', 'eth4'), `${either} (eth0, eth1, eth2 and 2 more)`);
    assert.equal(problem('lo'), 'no route leads there: set "interface"');
  });
  test('that does not exist is a problem', () =>
    assert.equal(placed('10.0.0.7', { options: { interface: 'eth9' } }), 'there is no interface eth9'));
  test('that is down is a problem', () =>
    assert.equal(placed('10.0.0.7', { links: { eth0: false } }), 'interface eth0 is down'));
});

suite('the label', () => {
  const settings = { interface: 'enp0s31f6.1', label: 'yaim' };
  test('may have 15 characters with the interface’s name', () =>
    assert.equal(
      placed('10.0.0.7', {
        settings: { interface: 'enp0s31f61', label: 'yaim' },
        links: { enp0s31f61: true },
      }),
      'enp0s31f61/32',
    ));
  test('may not have more', () =>
    assert.equal(
      placed('10.0.0.7', { settings, links: { 'enp0s31f6.1': true } }),
      'the label enp0s31f6.1:yaim has more than 15 characters',
    ));
  test('does not matter for IPv6, which has none', () =>
    assert.equal(placed('2001:db8::7', { settings, links: { 'enp0s31f6.1': true } }), 'enp0s31f6.1/128'));
});

suite('the prefix length', () => {
  for (const [options, settings, ipv4, ipv6] of [
    [{}, { netmask: null }, 'eth0/32', 'eth0/128'],
    [{}, { netmask: 24 }, 'eth0/24', 'eth0/128'],
    [{}, { netmask: 32 }, 'eth0/32', 'eth0/128'],
    [{}, { netmask: 64 }, 'eth0/32', 'eth0/64'],
    [{ netmask: 25 }, { netmask: 24 }, 'eth0/25', 'eth0/25'],
    [{ netmask: 64 }, { netmask: null }, 'eth0/32', 'eth0/64'],
    [{ netmask: 128 }, { netmask: 24 }, 'eth0/32', 'eth0/128'],
  ] as const) {
    test(`is ${ipv4} and ${ipv6} for ${JSON.stringify(options)} on a node with ${settings.netmask}`, () => {
      assert.equal(placed('10.0.0.7', { options, settings }), ipv4);
      assert.equal(placed('2001:db8::7', { options, settings }), ipv6);
    });
  }
});
