import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { inBatches } from '../../src/batches.ts';
import {
  type AddressChange,
  type AddressSetter,
  addressSetter,
  MOST_AT_ONCE,
  NO_ANSWER,
} from '../../src/kernel/address-setter.ts';
import { SystemError } from '../../src/kernel/libc.ts';
import type { NetlinkSocket } from '../../src/kernel/netlink.ts';
import { aNamespace, type Namespace, noNamespaces } from '../support/a-namespace.ts';
import { address } from '../support/a-view.ts';

const place = (text: string, name = 'eth0') => ({
  address: address(text),
  prefixLength: text.includes(':') ? 128 : 32,
  interface: name,
});
const add = (text: string, name = 'eth0'): AddressChange => ({
  kind: 'add',
  ...place(text, name),
  label: text.includes(':') ? undefined : `${name}:yaim`,
  lifetimeSeconds: 50,
});
const renew = (text: string, lifetimeSeconds = 60): AddressChange => ({
  ...(add(text) as AddressChange & { lifetimeSeconds: number }),
  kind: 'renew',
  lifetimeSeconds,
});
const remove = (text: string, name = 'eth0'): AddressChange => ({ kind: 'remove', ...place(text, name) });

suite('addresses, set', { skip: noNamespaces }, () => {
  let namespace: Namespace;
  let setter: AddressSetter;
  const opened: NetlinkSocket[] = [];

  before(() => {
    namespace = aNamespace();
    namespace.ip('link add eth0 type veth peer name eth1');
    for (const name of ['eth0', 'eth1']) namespace.ip(`link set ${name} up`);
    setter = addressSetter(namespace.open);
  });
  after(() => {
    setter.close();
    namespace.remove();
  });
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.close();
    for (const name of ['eth0', 'eth1']) namespace.ip(`address flush dev ${name}`);
  });

  const set = (changes: readonly AddressChange[], { change } = setter) =>
    change(new Set(changes.map((each) => each.interface)), () => changes);
  const codes = async (changes: readonly AddressChange[], through = setter) =>
    (await set(changes, through)).map((error) => error?.code);
  const shown = (name = 'eth0') =>
    JSON.parse(namespace.ip(`-json address show dev ${name}`))[0].addr_info.filter(
      ({ scope }: { scope: string }) => scope === 'global',
    ) as Record<string, unknown>[];
  const addresses = (name = 'eth0') => shown(name).map(({ local, prefixlen }) => `${local}/${prefixlen}`);

  test('are put on, with label and lifetime, and for IPv6 at once', async () => {
    assert.deepEqual(await codes([add('10.0.0.7'), add('2001:db8::7')]), [undefined, undefined]);
    const [four, six] = shown();
    assert.deepEqual([four?.['label'], four?.['local'], four?.['prefixlen']], ['eth0:yaim', '10.0.0.7', 32]);
    assert.deepEqual([six?.['local'], six?.['prefixlen']], ['2001:db8::7', 128]);
    for (const entry of [four, six]) {
      assert.ok(Number(entry?.['valid_life_time']) <= 50 && Number(entry?.['valid_life_time']) >= 48);
      assert.equal(entry?.['preferred_life_time'], entry?.['valid_life_time']);
      assert.equal(entry?.['tentative'], undefined);
    }
  });
  test('are renewed, be it that they live less long, and added where they were not', async () => {
    await set([add('10.0.0.7'), add('2001:db8::7')]);
    assert.deepEqual(await codes([renew('10.0.0.7', 9), renew('2001:db8::7', 90), renew('10.0.0.8')]), [
      undefined,
      undefined,
      undefined,
    ]);
    const lifetimes = Object.fromEntries(shown().map((entry) => [entry['local'], entry['valid_life_time']]));
    assert.ok(Number(lifetimes['10.0.0.7']) <= 9);
    assert.ok(Number(lifetimes['2001:db8::7']) > 60);
    assert.ok(Number(lifetimes['10.0.0.8']) > 50);
  });
  test('are taken off: this one, not one of the same network or with another prefix', async () => {
    for (const each of ['10.0.0.7/32', '10.0.0.7/24', '10.0.0.8/24', '2001:db8::7/64'])
      namespace.ip(`address add ${each} dev eth0`);
    assert.deepEqual(await codes([remove('10.0.0.7'), { ...remove('2001:db8::7'), prefixLength: 64 }]), [
      undefined,
      undefined,
    ]);
    assert.deepEqual(addresses(), ['10.0.0.7/24', '10.0.0.8/24']);
  });
  test('of each it is said what was wrong with it, and the others are set', async () => {
    const errors = await set([
      remove('10.0.0.9'),
      add('10.0.0.7'),
      add('10.0.0.7'),
      add('10.0.0.8', 'eth9'),
      add('10.0.0.8'),
      remove('2001:db8::9'),
    ]);
    assert.deepEqual(
      errors.map((error) => error?.code),
      ['EADDRNOTAVAIL', undefined, 'EEXIST', 'ENODEV', undefined, 'EADDRNOTAVAIL'],
    );
    assert.match(errors[3]?.message ?? '', /^interface eth9: no such device/i);
    // In the kernel's own words where it has some (Linux 6.1 has none yet).
    assert.match(errors[2]?.message ?? '', /^(ipv4: Address already assigned|file already exists)/);
    assert.deepEqual(addresses(), ['10.0.0.7/32', '10.0.0.8/32']);
  });
  test('by the thousand', async () => {
    const changes = Array.from({ length: 1000 }, (_, index) => add(`10.1.${index >> 8}.${index & 255}`));
    const inTurn = async () => {
      const all = [];
      for (const batch of inBatches(changes, MOST_AT_ONCE)) all.push(...(await codes(batch)));
      return all;
    };
    assert.ok((await inTurn()).every((code) => code === undefined));
    assert.equal(addresses().length, 1000);
    assert.ok((await inTurn()).every((code) => code === 'EEXIST'));
  });
  test('of batches that are sent at once each gets its own answers, one batch after the other', async () => {
    const answers = await Promise.all([
      codes([add('10.0.0.7')]),
      codes([add('10.0.0.7')]),
      codes([remove('10.0.0.7'), add('10.0.0.8', 'eth9')]),
      codes([]),
      codes([add('10.0.0.7')]),
    ]);
    assert.deepEqual(answers, [[undefined], ['EEXIST'], [undefined, 'ENODEV'], [], [undefined]]);
  });
  test('go onto a link that was made again, and not onto one that had the name before', async () => {
    namespace.ip('link add eth2 type veth peer name eth3');
    await set([add('10.0.0.7', 'eth2')]);
    namespace.ip('link delete eth2');
    namespace.ip('link add eth2 type veth peer name eth3');
    assert.deepEqual(await codes([add('10.0.0.7', 'eth2')]), [undefined]);
    namespace.ip('link set eth2 name lan2');
    namespace.ip('link set eth3 name eth2');
    assert.deepEqual(await codes([add('10.0.0.8', 'eth2')]), [undefined]);
    assert.deepEqual([addresses('lan2'), addresses('eth2')], [['10.0.0.7/32'], ['10.0.0.8/32']]);
    namespace.ip('link delete eth2');
  });
  test('are taken off at once by who has no time to wait', async () => {
    await set([add('10.0.0.7'), add('10.0.0.8'), add('2001:db8::7')]);
    const places = [place('10.0.0.7'), place('2001:db8::7'), place('10.0.0.9'), place('10.0.0.7', 'eth9')];
    assert.deepEqual(
      addressSetter(namespace.open)
        .removeNow(places)
        .map((error) => error?.code),
      [undefined, undefined, 'EADDRNOTAVAIL', 'ENODEV'],
    );
    assert.deepEqual(addresses(), ['10.0.0.8/32']);
  });

  /** A setter over a kernel that does what is told with each request, the first of which asks for links. */
  const troubled = (send: (socket: NetlinkSocket, requests: Buffer, which: number) => Promise<void>) => {
    let which = 0;
    return addressSetter(() => {
      const socket = namespace.open();
      opened.push(socket);
      return { ...socket, send: (requests) => send(socket, requests, which++) };
    });
  };

  test('are named when the kernel has shown that it is free, and only then', async () => {
    const events: string[] = [];
    const told = troubled(async (socket, requests, which) => {
      events.push(`request ${which}`);
      await pause(20);
      await socket.send(requests);
      events.push(`answer ${which}`);
    });
    await told.change(new Set(['eth0']), () => {
      events.push('named');
      return [add('10.0.0.7')];
    });
    assert.deepEqual(events, ['request 0', 'answer 0', 'named', 'request 1', 'answer 1']);
    assert.deepEqual(await told.change(new Set(['eth0']), () => []), [], 'or none any more');
    assert.equal(events.length, 7);
  });
  test('are named once where the kernel cannot be asked', async () => {
    const broken = troubled(async () => {
      throw new SystemError('sendto', 'ENOBUFS');
    });
    let named = 0;
    const errors = await broken.change(new Set(['eth0']), () => {
      named += 1;
      return [add('10.0.0.7'), add('10.0.0.8')];
    });
    assert.deepEqual([errors.map((error) => error?.code), named], [[NO_ANSWER, NO_ANSWER], 1]);
  });
  test('while others wait only for as long as the kernel takes', async () => {
    let goOn = (): void => {};
    const hung = troubled(async (socket, requests, which) => {
      if (which === 0) await new Promise<void>((resolve) => (goOn = resolve));
      await socket.send(requests);
    });
    const [first, second] = [codes([add('10.0.0.7')], hung), codes([add('10.0.0.8')], hung)];
    await codes([add('10.0.0.9')]);
    assert.deepEqual(addresses(), ['10.0.0.9/32']);
    goOn();
    assert.deepEqual(await Promise.all([first, second]), [[undefined], [undefined]]);
  });
  test('or not: of what was not answered nobody knows, and the next ones are set', async () => {
    const lossy = troubled(async (socket, requests, which) => {
      await socket.send(requests);
      if (which === 1) while (socket.receiveNow() !== undefined);
      if (which === 3) throw new SystemError('sendto', 'ENOBUFS');
    });
    const [lost] = await set([add('10.0.0.7')], lossy);
    assert.deepEqual([lost?.code, addresses()], [NO_ANSWER, ['10.0.0.7/32']]);
    const [failed] = await set([add('10.0.0.7')], lossy);
    assert.deepEqual([failed?.code, failed?.message], [NO_ANSWER, 'no answer: sendto: ENOBUFS']);
    // What the failed request left in the socket is not taken for an answer to this one.
    assert.deepEqual(await codes([add('10.0.0.8')], lossy), [undefined]);
  });
});

test('without a socket none is set, and it is tried again', async () => {
  let attempts = 0;
  const { change, removeNow } = addressSetter(() => {
    attempts += 1;
    throw new SystemError('socket', 'EMFILE');
  });
  const message = 'no answer: socket: EMFILE';
  const changes = [add('10.0.0.7')];
  assert.deepEqual(await change(new Set(['eth0']), () => changes), [{ code: NO_ANSWER, message }]);
  assert.deepEqual(removeNow([place('10.0.0.7')]), [{ code: NO_ANSWER, message }]);
  assert.equal(attempts, 2);
});
