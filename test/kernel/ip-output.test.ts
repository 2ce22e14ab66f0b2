import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kernel, KernelAddress, KernelEvent } from '../../src/domain/kernel.ts';
import { applyEvents } from '../../src/domain/kernel-table.ts';
import { monitorReader, parseAddressList, parseRouteList } from '../../src/kernel/ip-output.ts';
import { aNamespace, cable, type Namespace, noNamespaces } from '../support/a-namespace.ts';

/** The event of a line that iproute2 6.1 printed, at the time 1000. */
function event(line: string): KernelEvent | undefined {
  return monitorReader()(line, 1000);
}

function addressIn(line: string): Partial<KernelAddress> {
  const found = event(line);
  assert.ok(found?.kind === 'address' || found?.kind === 'address-gone', line);
  return found.address;
}

suite('a line of `ip monitor`, captured', () => {
  test('of an IPv4 address with label and lifetime', () =>
    assert.deepEqual(
      event(
        '3: eth0    inet 10.9.9.8/32 scope global dynamic eth0:yaim\\       valid_lft 5sec preferred_lft 5sec',
      ),
      {
        kind: 'address',
        address: {
          address: '10.9.9.8',
          interface: 'eth0',
          prefixLength: 32,
          label: 'eth0:yaim',
          expiresAt: 6000,
          duplicate: false,
        },
      },
    ));
  test('of a permanent IPv6 address', () =>
    assert.deepEqual(
      event(
        '3: eth0    inet6 2001:db8::9/128 scope global nodad \\       valid_lft forever preferred_lft forever',
      ),
      {
        kind: 'address',
        address: {
          address: '2001:db8::9',
          interface: 'eth0',
          prefixLength: 128,
          label: null,
          expiresAt: Infinity,
          duplicate: false,
        },
      },
    ));
  test('of an address that is gone', () =>
    assert.equal(
      event(
        'Deleted 3: eth0    inet 10.9.9.8/32 scope global eth0\\       valid_lft forever preferred_lft forever',
      )?.kind,
      'address-gone',
    ));
  test('of an IPv6 address that another host has', () =>
    assert.equal(
      addressIn(
        '2: eth0    inet6 2001:db8::d/64 scope global dadfailed tentative \\       valid_lft forever preferred_lft forever',
      ).duplicate,
      true,
    ));
  test('of an address with a peer, broadcast and metric', () => {
    const peer = addressIn(
      '2: eth0    inet 10.1.0.1 peer 10.1.0.2/32 scope global eth0\\       valid_lft forever preferred_lft forever',
    );
    assert.deepEqual([peer.address, peer.prefixLength, peer.label], ['10.1.0.1', 32, 'eth0']);
    const wide = addressIn(
      '2: eth0    inet 10.2.0.1/24 metric 7 brd 10.2.0.255 scope global noprefixroute eth0\\       valid_lft forever preferred_lft forever',
    );
    assert.deepEqual([wide.prefixLength, wide.label], [24, 'eth0']);
  });
  test('of an address on a link that was renamed since the monitor started', () => {
    const read = monitorReader();
    const line =
      '3: eth0    inet 10.9.9.8/32 scope global eth0:yaim\\       valid_lft 5sec preferred_lft 5sec';
    const interfaceIn = (text: string) => {
      const found = read(text, 1000);
      return found !== undefined && 'address' in found && found.address.interface;
    };
    assert.equal(interfaceIn(line), 'eth0');
    read('3: lan0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP', 1000);
    assert.equal(interfaceIn(line), 'lan0');
    assert.equal(interfaceIn(`Deleted ${line}`), 'lan0');
    assert.equal(interfaceIn(line.replace('3:', '4:')), 'eth0');
  });
  test('of a link with and without a carrier, down, and gone', () => {
    const link = (flags: string) =>
      event(
        `3: eth0@if2: <${flags}> mtu 1500 qdisc noqueue state UP group default \\    link/ether ba:e4:0e:2b:e8:b9 brd ff:ff:ff:ff:ff:ff`,
      );
    assert.deepEqual(link('BROADCAST,MULTICAST,UP,LOWER_UP'), {
      kind: 'link',
      link: { name: 'eth0', index: 3, up: true },
    });
    assert.deepEqual(link('NO-CARRIER,BROADCAST,MULTICAST,UP'), {
      kind: 'link',
      link: { name: 'eth0', index: 3, up: false },
    });
    assert.deepEqual(link('BROADCAST,MULTICAST'), {
      kind: 'link',
      link: { name: 'eth0', index: 3, up: false },
    });
    assert.deepEqual(
      event(
        'Deleted 3: eth0: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default \\    link/ether ba:e4:0e:2b:e8:b9',
      ),
      { kind: 'link-gone', name: 'eth0' },
    );
  });
  for (const line of [
    'default via 10.0.0.1 dev eth0 ',
    'Deleted default via 10.0.0.1 dev eth0 ',
    '10.6.0.0/16 dev eth0 scope link metric 5 ',
    '2001:db8::/64 dev eth0 proto kernel metric 256 pref medium',
    'unreachable 2001:db8:1::/48 dev lo metric 1024 pref medium',
  ]) {
    test(`of a route by which an interface may be chosen: ${line}`, () =>
      assert.deepEqual(event(line), { kind: 'routes-changed' }));
  }
  for (const line of [
    'local 10.0.0.7 dev eth0 table local proto kernel scope host src 10.0.0.7 ',
    'Deleted broadcast 10.0.0.255 dev eth0 table local proto kernel scope link src 10.0.0.7 ',
    'multicast ff00::/8 dev eth0 table local proto kernel metric 256 pref medium',
    '2001:db8::7 dev eth0 proto kernel metric 256 pref medium',
    '10.0.0.7 dev eth0 scope link ',
    '',
    'nonsense',
  ]) {
    test(`that changes nothing: ${JSON.stringify(line)}`, () => assert.equal(event(line), undefined));
  }
});

suite('a list of routes', () => {
  const routes = (list: readonly object[]) =>
    parseRouteList(JSON.stringify(list), 4).map(
      ({ subnet, interface: name, metric }) => `${subnet} ${name} ${metric}`,
    );

  test('has subnets and the default route with their metrics', () =>
    assert.deepEqual(
      routes([
        { dst: 'default', gateway: '10.0.0.1', dev: 'eth0', flags: [] },
        { dst: '10.6.0.0/16', dev: 'eth1', metric: 5 },
      ]),
      ['default eth0 0', '10.6.0.0/16 eth1 5'],
    ));
  test('of several ways at once has the first one', () =>
    assert.deepEqual(
      routes([
        {
          dst: 'default',
          nexthops: [
            { dev: 'eth1', weight: 1 },
            { dev: 'eth0', weight: 1 },
          ],
        },
      ]),
      ['default eth1 0'],
    ));
  test('has none that lead nowhere, though the kernel names lo for them', () =>
    assert.deepEqual(
      routes([
        { type: 'unreachable', dst: '10.0.0.0/8', dev: 'lo', metric: 1 },
        { type: 'blackhole', dst: 'default' },
      ]),
      [],
    ));
  test('may be empty, or no text at all', () => {
    assert.deepEqual(parseRouteList('[]', 4), []);
    assert.deepEqual(parseRouteList(' \n', 6), []);
  });
});

suite('what the real `ip` prints', { skip: noNamespaces }, () => {
  let here: Namespace;
  let there: Namespace;
  let monitor: ChildProcess;
  let output = '';
  const read = monitorReader();

  before(async () => {
    here = aNamespace();
    there = aNamespace();
    cable(here, there);
    monitor = spawn('ip', ['-n', here.name, '-oneline', 'monitor', 'address', 'link', 'route']);
    monitor.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    await marked();
  });
  after(() => {
    monitor?.kill('SIGKILL');
    for (const namespace of [here, there]) namespace?.remove();
  });

  /** Until the monitor has told of everything until now: until it tells of a mark. */
  async function marked(): Promise<void> {
    const from = output.length;
    await told(from, 'Deleted 1: lo    inet 10.255.0.1/32', () => {
      here.ip('address replace 10.255.0.1/32 dev lo');
      here.ip('address delete 10.255.0.1/32 dev lo');
    });
  }

  /** Until the monitor has said the words since then; the limit is a safety net. */
  async function told(from: number, words: string, again: () => void = () => {}): Promise<void> {
    for (const limit = performance.now() + 30_000; !output.slice(from).includes(words); await pause(5)) {
      assert.ok(performance.now() < limit, `the monitor does not say ${words}: ${output.slice(from)}`);
      again();
    }
  }

  function listed(): Kernel {
    const routes = [4, 6].flatMap((family) =>
      parseRouteList(here.ip(`-json -${family} route show`), family as 4 | 6),
    );
    return { ...parseAddressList(here.ip('-json address show'), 1000), routes };
  }

  /** The kernel before and after some lines of `ip`, the events between them, and those applied to the former. */
  async function followed(...lines: readonly string[]) {
    await marked();
    const before = listed();
    const from = output.length;
    for (const line of lines) here.ip(line);
    const now = listed();
    await marked();
    const events = output
      .slice(from)
      .split('\n')
      .map((line) => read(line, 1000))
      .filter((found) => found !== undefined);
    return { listed: now, events, followed: applyEvents(before, events) };
  }

  function expectSame({
    listed: a,
    followed: b,
  }: {
    readonly listed: Kernel;
    readonly followed: Kernel;
  }): void {
    // Link-local ones are listed at once and told of once duplicate detection is done. Lifetimes are counted from a
    // clock that stands still here, while they run out: they are compared by whether there is one.
    const sorted = ({ addresses, links }: Kernel) => [
      [...addresses]
        .filter(([key]) => !key.startsWith('fe80:'))
        .map(([key, entry]) => [key, { ...entry, expiresAt: Number.isFinite(entry.expiresAt) }])
        .sort(),
      [...links].sort(),
    ];
    assert.deepEqual(sorted(b), sorted(a));
  }

  test('is the same live and listed, whatever is done to addresses', async () => {
    const story = await followed(
      'address add 10.0.0.7/32 dev eth0 label eth0:yaim valid_lft 50 preferred_lft 50',
      'address add 10.0.0.7/24 dev eth0',
      'address add 10.0.0.8/24 dev eth0 brd + metric 7',
      'address add 10.1.0.1 peer 10.1.0.2/32 dev eth0',
      'address add 10.1.0.3 peer 10.1.0.0/24 dev eth0',
      'address add 2001:db8::7/128 dev eth0 nodad valid_lft 50 preferred_lft 50',
      'address add 2001:db8::8/64 dev eth0 nodad',
      'address add 2001:db8::9/64 dev eth0 noprefixroute home',
      'address change 2001:db8::7/128 dev eth0 nodad valid_lft 60 preferred_lft 60',
      'address change 10.0.0.7/32 dev eth0 label eth0:yaim valid_lft 60 preferred_lft 60',
      'address delete 10.0.0.8/24 dev eth0',
    );
    expectSame(story);
    const { addresses } = story.followed;
    assert.deepEqual(addresses.get('10.0.0.7/32@eth0'), {
      address: '10.0.0.7',
      interface: 'eth0',
      prefixLength: 32,
      label: 'eth0:yaim',
      expiresAt: 61_000,
      duplicate: false,
    });
    assert.equal(addresses.get('2001:db8::7/128@eth0')?.expiresAt, 61_000);
    assert.equal(addresses.get('10.0.0.7/24@eth0')?.expiresAt, Infinity);
    assert.ok(addresses.has('10.1.0.1/32@eth0'));
    assert.ok(!addresses.has('10.0.0.8/24@eth0'));
  });
  test('is the same live and listed, whatever is done to links', async () => {
    expectSame(await followed('link add eth1 type veth peer name eth2', 'link set eth1 up'));
    const up = await followed('link set eth2 up');
    expectSame(up);
    assert.equal(up.listed.links.get('eth1')?.up, true);
    const cut = await followed('link set eth2 down');
    expectSame(cut);
    assert.equal(cut.listed.links.get('eth1')?.up, false);
    const gone = await followed('link delete eth1');
    expectSame(gone);
    assert.equal(gone.listed.links.has('eth1'), false);
  });
  test('tells of addresses by the name that their link has by now', async () => {
    expectSame(await followed('link add eth3 type veth peer name eth4', 'link set eth3 up'));
    await followed('link set eth3 name lan3');
    const renamed = await followed(
      'address add 2001:db8::3/128 dev lan3 nodad valid_lft 50 preferred_lft 50',
    );
    expectSame(renamed);
    assert.ok(renamed.followed.addresses.has('2001:db8::3/128@lan3'));
    expectSame(await followed('address delete 2001:db8::3/128 dev lan3'));
  });
  test('tells of an address that the kernel removes by itself', async () => {
    here.ip('address add 10.0.0.9/32 dev eth0 label eth0:yaim valid_lft 1 preferred_lft 1');
    const from = output.length;
    await told(from, 'Deleted');
    const [line = ''] = output.slice(from).match(/^Deleted .*$/m) ?? [];
    const found = read(line, 0);
    assert.ok(found?.kind === 'address-gone', line);
    assert.equal(found.address.address, '10.0.0.9');
  });
  test('tells of routes that matter, and has them in its lists', async () => {
    const { events, listed: now } = await followed(
      'route add 10.7.0.0/16 dev eth0 metric 5',
      'route add default nexthop dev eth0 weight 1 nexthop dev lo weight 1',
      '-6 route add unreachable 2001:db8:7::/48',
      '-6 route add 2001:db8:8::/48 dev eth0 metric 9',
    );
    assert.ok(events.some(({ kind }) => kind === 'routes-changed'));
    const routes = now.routes.map(
      ({ family, subnet, interface: name, metric }) => `${family} ${subnet} ${name} ${metric}`,
    );
    for (const route of ['4 10.7.0.0/16 eth0 5', '4 default eth0 0', '6 2001:db8:8::/48 eth0 9'])
      assert.ok(routes.includes(route), `${route} in ${routes}`);
    assert.ok(!routes.some((route) => route.includes('2001:db8:7::')));
  });
  test('tells of nothing that matters where a host route comes with an address', async () => {
    const { events } = await followed(
      'address add 10.0.0.11/32 dev eth0',
      'address add 2001:db8::11/128 dev eth0 nodad',
    );
    const ours = events.filter((found) => found.kind !== 'address' && found.kind !== 'address-gone');
    assert.deepEqual(ours, []);
  });
  test('tells of an IPv6 address that another host has', async () => {
    there.ip('address add 2001:db8::d/64 dev eth0 nodad');
    execFileSync('ip', ['netns', 'exec', here.name, 'sysctl', '-q', '-w', 'net.ipv6.conf.eth0.accept_dad=1']);
    const from = output.length;
    here.ip('address add 2001:db8::d/64 dev eth0');
    await told(from, 'dadfailed');
    assert.equal(listed().addresses.get('2001:db8::d/64@eth0')?.duplicate, true);
    const [line = ''] = output.slice(from).match(/^.*dadfailed.*$/m) ?? [];
    assert.equal(addressIn(line).duplicate, true);
  });
});
