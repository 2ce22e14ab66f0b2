import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kernel, KernelEvent } from '../../src/domain/kernel.ts';
import { applyEvents } from '../../src/domain/kernel-table.ts';
import { listKernel } from '../../src/kernel/list-kernel.ts';
import type { NetlinkSocket } from '../../src/kernel/netlink.ts';
import { EVERYTHING_OF_INTEREST, eventsOf, type LinkNames } from '../../src/kernel/rtnetlink.ts';
import { aNamespace, cable, type Namespace, noNamespaces } from '../support/a-namespace.ts';

/** When everything is told here. */
const NOW = 1000;

suite('what the kernel tells', { skip: noNamespaces }, () => {
  let here: Namespace;
  let there: Namespace;
  let socket: NetlinkSocket;
  const names: LinkNames = new Map();

  before(async () => {
    here = aNamespace();
    there = aNamespace();
    cable(here, there);
    socket = here.open(EVERYTHING_OF_INTEREST);
    await listed();
  });
  after(() => {
    socket?.close();
    for (const namespace of [here, there]) namespace?.remove();
  });

  const listed = () => listKernel({ now: () => NOW, names, open: here.open });

  function told(): readonly KernelEvent[] {
    const events: KernelEvent[] = [];
    for (let messages = socket.receiveNow(); messages !== undefined; messages = socket.receiveNow())
      for (const message of messages) events.push(...eventsOf(message, names, NOW));
    return events;
  }

  /** The kernel before and after some lines of `ip`, the events between them, and those applied to the former. */
  async function followed(...lines: readonly string[]) {
    told();
    const before = await listed();
    for (const line of lines) here.ip(line);
    const events = told();
    return { listed: await listed(), events, followed: applyEvents(before, events) };
  }

  type Seen = Awaited<ReturnType<typeof followed>>;

  function expectSame({ listed: a, followed: b }: Pick<Seen, 'listed' | 'followed'>): void {
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

  /** As iproute2 reads it. */
  function expectAsIpSays({ links, addresses }: Kernel): void {
    const shown = JSON.parse(here.ip('-json address show')) as {
      readonly ifname: string;
      readonly ifindex: number;
      readonly flags: readonly string[];
      readonly addr_info: readonly {
        readonly local: string;
        readonly prefixlen: number;
        readonly label?: string;
        readonly valid_life_time: number;
      }[];
    }[];
    assert.deepEqual(
      [...links.values()].map(({ name, index, up }) => `${index} ${name} ${up}`).sort(),
      shown.map(({ ifname, ifindex, flags }) => `${ifindex} ${ifname} ${flags.includes('LOWER_UP')}`).sort(),
    );
    assert.deepEqual(
      [...addresses].map(([key, { label, expiresAt }]) => `${key} ${label} ${expiresAt < Infinity}`).sort(),
      shown
        .flatMap(({ ifname, addr_info: infos }) =>
          infos.map(({ local, prefixlen, label = null, valid_life_time: seconds }) => {
            return `${local}/${prefixlen}@${ifname} ${label} ${seconds < 0xffffffff}`;
          }),
        )
        .sort(),
    );
  }

  test('is the same live and listed, and what `ip` says, whatever is done to addresses', async () => {
    const story = await followed(
      'address add 10.0.0.7/32 dev eth0 label eth0:yaim valid_lft 50 preferred_lft 50',
      'address add 10.0.0.7/24 dev eth0',
      'address add 10.0.0.8/24 dev eth0 brd + metric 7',
      'address add 10.1.0.1 peer 10.1.0.2/32 dev eth0',
      'address add 10.1.0.3 peer 10.1.0.0/24 dev eth0',
      'address add 2001:db8::7/128 dev eth0 nodad valid_lft 50 preferred_lft 50',
      'address add 2001:db8::8/64 dev eth0 nodad',
      'address add 2001:db8::9/64 dev eth0 noprefixroute home',
      'address add 2001:db8::a peer 2001:db8::b/128 dev eth0 nodad',
      'address change 2001:db8::7/128 dev eth0 nodad valid_lft 60 preferred_lft 60',
      'address change 10.0.0.7/32 dev eth0 label eth0:yaim valid_lft 60 preferred_lft 60',
      'address delete 10.0.0.8/24 dev eth0',
    );
    expectSame(story);
    expectAsIpSays(story.listed);
    const { addresses } = story.followed;
    assert.deepEqual(addresses.get('10.0.0.7/32@eth0'), {
      address: '10.0.0.7',
      interface: 'eth0',
      prefixLength: 32,
      label: 'eth0:yaim',
      expiresAt: NOW + 60_000,
      duplicate: false,
    });
    assert.equal(addresses.get('2001:db8::7/128@eth0')?.expiresAt, NOW + 60_000);
    assert.equal(addresses.get('10.0.0.7/24@eth0')?.expiresAt, Infinity);
    assert.ok(addresses.has('10.1.0.1/32@eth0'));
    assert.ok(!addresses.has('10.0.0.8/24@eth0'));
  });
  test('is the same live and listed, whatever is done to links', async () => {
    expectSame(await followed('link add eth1 type veth peer name eth2', 'link set eth1 up'));
    const up = await followed('link set eth2 up');
    expectSame(up);
    expectAsIpSays(up.listed);
    assert.equal(up.listed.links.get('eth1')?.up, true);
    const cut = await followed('link set eth2 down');
    expectSame(cut);
    assert.equal(cut.listed.links.get('eth1')?.up, false);
    const gone = await followed('link delete eth1');
    expectSame(gone);
    assert.equal(gone.listed.links.has('eth1'), false);
  });
  test('of a link that is new, renamed or gone says that a listing is due, and of no other', async () => {
    const dueAfter = async (line: string) =>
      (await followed(line)).events.some(({ kind }) => kind === 'outdated');
    assert.ok(await dueAfter('link add eth1 type veth peer name eth2'));
    assert.ok(!(await dueAfter('link set eth1 up')));
    assert.ok(await dueAfter('link set eth1 name lan1'));
    assert.ok(!(await dueAfter('link set lan1 down')));
    assert.ok(await dueAfter('link delete lan1'));
  });
  test('calls addresses by the name that their link has by now', async () => {
    expectSame(await followed('link add eth3 type veth peer name eth4', 'link set eth3 up'));
    await followed('link set eth3 name lan3');
    const renamed = await followed(
      'address add 2001:db8::3/128 dev lan3 nodad valid_lft 50 preferred_lft 50',
    );
    expectSame(renamed);
    assert.ok(renamed.followed.addresses.has('2001:db8::3/128@lan3'));
    expectSame(await followed('address delete 2001:db8::3/128 dev lan3'));
  });
  test('is nothing about the ports of a bridge, of which it tells in messages of links', async () => {
    const bridged = await followed(
      'link add eth5 type veth peer name eth6',
      'link add bridge0 type bridge',
      'link set bridge0 up',
      'link set eth5 up',
      'link set eth6 up',
      'link set eth5 master bridge0',
    );
    expectSame(bridged);
    const free = await followed('link set eth5 nomaster');
    expectSame(free);
    assert.ok(!free.events.some(({ kind }) => kind === 'link-gone'));
    expectSame(await followed('link delete bridge0', 'link delete eth5'));
  });
  test('has an address that it removes by itself', async () => {
    here.ip('address add 10.0.0.9/32 dev eth0 label eth0:yaim valid_lft 1 preferred_lft 1');
    const isGone = (event: KernelEvent) =>
      event.kind === 'address-gone' && event.address.address === '10.0.0.9';
    // The limit is a safety net.
    for (const limit = performance.now() + 30_000; !told().some(isGone); await pause(5))
      assert.ok(performance.now() < limit, 'the kernel does not tell');
  });
  test('has routes that matter', async () => {
    const routes = [
      'route add 10.7.0.0/16 dev eth0 metric 5',
      'route add default nexthop dev eth0 weight 1 nexthop dev lo weight 1',
      '-6 route add unreachable 2001:db8:7::/48',
      '-6 route add 2001:db8:8::/48 dev eth0 metric 9',
      '-6 route add default dev eth0',
    ];
    const { listed: now, events } = await followed(...routes);
    assert.equal(events.filter(({ kind }) => kind === 'outdated').length, routes.length);
    const shown = now.routes.map(
      ({ family, subnet, interface: name, metric }) => `${family} ${subnet} ${name} ${metric}`,
    );
    for (const route of [
      '4 10.7.0.0/16 eth0 5',
      '4 default eth0 0',
      '6 2001:db8:8::/48 eth0 9',
      '6 default eth0 1024',
    ])
      assert.ok(shown.includes(route), `${route} in ${shown}`);
    assert.ok(!shown.some((route) => route.includes('2001:db8:7::')), 'one that leads nowhere');
    assert.ok(
      (await followed('route delete 10.7.0.0/16 dev eth0')).events.some(({ kind }) => kind === 'outdated'),
    );
  });
  test('says of routes nothing else: host routes, and those of other tables', async () => {
    const { events, listed: now } = await followed(
      'address add 10.0.0.11/32 dev eth0',
      'address add 2001:db8::11/128 dev eth0 nodad',
      'route add 10.0.0.12 dev eth0',
      'route add 10.8.0.0/16 dev eth0 table 77',
      'route add blackhole 10.9.0.9',
    );
    const others = events.filter(({ kind }) => kind !== 'address' && kind !== 'address-gone');
    assert.deepEqual(others, []);
    assert.ok(!now.routes.some(({ subnet }) => subnet.startsWith('10.0.0.1') || subnet === '10.8.0.0/16'));
  });
  test('has an IPv6 address that another host has', async () => {
    there.ip('address add 2001:db8::d/64 dev eth0 nodad');
    execFileSync('ip', ['netns', 'exec', here.name, 'sysctl', '-q', '-w', 'net.ipv6.conf.eth0.accept_dad=1']);
    told();
    here.ip('address add 2001:db8::d/64 dev eth0');
    const isDuplicate = (event: KernelEvent) => event.kind === 'address' && event.address.duplicate;
    for (const limit = performance.now() + 30_000; !told().some(isDuplicate); await pause(5))
      assert.ok(performance.now() < limit, 'the kernel does not tell');
    assert.equal((await listed()).addresses.get('2001:db8::d/64@eth0')?.duplicate, true);
  });
});
