import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type Kernel, type KernelEvent, kernelKey, parseKernelKey } from '../../src/domain/kernel.ts';
import { applyEvents, kernelTable, placingOf } from '../../src/domain/kernel-table.ts';
import { address, anOwnAddress, someLinks } from '../support/a-view.ts';

const nothing: Kernel = { addresses: new Map(), links: new Map(), routes: [] };
const seven = anOwnAddress();

suite('the kernel after an event', () => {
  test('has an address that came', () =>
    assert.deepEqual(
      [...applyEvents(nothing, [{ kind: 'address', address: seven }]).addresses],
      [['10.0.0.7/32@eth0', seven]],
    ));
  test('has a renewed address once, with its new lifetime', () => {
    const renewed = { ...seven, expiresAt: 9000 };
    const events = [seven, renewed].map((entry) => ({ kind: 'address', address: entry }) as const);
    assert.deepEqual([...applyEvents(nothing, events).addresses.values()], [renewed]);
  });
  test('has one address with two prefix lengths twice', () => {
    const wide = { ...seven, prefixLength: 24 };
    const events = [seven, wide].map((entry) => ({ kind: 'address', address: entry }) as const);
    const both = applyEvents(nothing, events);
    assert.equal(both.addresses.size, 2);
    const left = applyEvents(both, [{ kind: 'address-gone', address: seven }]);
    assert.deepEqual([...left.addresses.values()], [wide]);
  });
  test('has a link that changed, and not one that went', () => {
    const up = applyEvents(nothing, [{ kind: 'link', link: { name: 'eth0', index: 2, up: true } }]);
    assert.deepEqual(up.links, someLinks({ eth0: true }));
    const down = applyEvents(up, [{ kind: 'link', link: { name: 'eth0', index: 2, up: false } }]);
    assert.deepEqual(down.links, someLinks({ eth0: false }));
    assert.deepEqual(applyEvents(down, [{ kind: 'link-gone', name: 'eth0' }]).links, new Map());
  });
  test('leaves the kernel of before as it was', () => {
    applyEvents(nothing, [{ kind: 'address', address: seven }]);
    assert.equal(nothing.addresses.size, 0);
  });
  test('keeps the routes: they are listed anew', () => {
    const routes = [{ family: 4, subnet: 'default', interface: 'eth0', metric: 0 }] as const;
    assert.deepEqual(applyEvents({ ...nothing, routes }, [{ kind: 'outdated' }]).routes, routes);
  });
});

suite('a kernel key', () => {
  test('can be read again', () => {
    const addresses = fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::7', 'fd00::1')).map(address);
    const names = fc.stringMatching(/^[a-z][a-z0-9._:-]{0,14}$/);
    fc.assert(
      fc.property(addresses, fc.nat(32), names, (ip, prefixLength, name) => {
        const place = { address: ip, prefixLength, interface: name };
        assert.deepEqual(parseKernelKey(kernelKey(place)), place);
      }),
    );
  });
  test('that is none is not read', () => {
    for (const text of [
      '',
      '@',
      '/@',
      '10.0.0.7',
      '10.0.0.7/32',
      '10.0.0.7@eth0',
      '10.0.0.7/33@eth0',
      '10.0.0.7/x@eth0',
      '::/129@eth0',
      'x/1@eth0',
      '10.0.0.7/32@',
      '10.0.0.7/32@a b',
      '10.0.0.7/32@eth0\n10.0.0.8/32@eth0',
    ]) {
      assert.equal(parseKernelKey(text), undefined, JSON.stringify(text));
    }
  });
});

suite('an event of the kernel', () => {
  const listed: Kernel = applyEvents(nothing, [{ kind: 'address', address: seven }]);
  const hasNews = (...events: readonly KernelEvent[]) => kernelTable(listed).apply(events);
  const changed = (change: Partial<typeof seven>): KernelEvent => ({
    kind: 'address',
    address: { ...seven, ...change },
  });
  const later = changed({ expiresAt: seven.expiresAt + 1 });

  test('is no news when an address that is there ends later, and nothing else of it changed', () => {
    assert.ok(!hasNews(later, later));
  });
  test('is news when the address is new, ends earlier, never ends, or has become another', () => {
    assert.ok(hasNews(changed({ address: address('10.0.0.8') })));
    assert.ok(hasNews(changed({ expiresAt: seven.expiresAt - 1 })));
    assert.ok(hasNews(changed({ expiresAt: Infinity })));
    assert.ok(hasNews(changed({ label: 'eth0' })));
    assert.ok(hasNews(changed({ duplicate: true })));
    assert.ok(hasNews({ kind: 'address-gone', address: seven }));
    assert.ok(hasNews({ kind: 'outdated' }));
    assert.ok(hasNews(changed({ expiresAt: Infinity }), later), 'what had no end is given one');
  });
  test('among others does not hide the news', () => {
    assert.ok(hasNews(changed({ label: 'eth0' }), later));
    assert.ok(hasNews(later, changed({ label: 'eth0' })));
  });
});

suite('what is where', () => {
  const seen = (...events: readonly KernelEvent[]) => {
    const table = kernelTable(nothing);
    table.apply([{ kind: 'address', address: seven }]);
    const before = table.snapshot();
    table.apply(events);
    return { before, after: table.snapshot() };
  };
  const renewal: KernelEvent = { kind: 'address', address: { ...seven, expiresAt: seven.expiresAt + 1000 } };

  test('stays the same when lifetimes are renewed, which the kernel shows', () => {
    const { before, after } = seen(renewal);
    assert.equal(placingOf(after.addresses), placingOf(before.addresses));
    assert.deepEqual([...before.addresses.values()], [seven]);
    assert.deepEqual([...after.addresses.values()], [renewal.address]);
  });
  test('changes with every address that comes, goes or becomes another', () => {
    for (const address of [
      { ...seven, expiresAt: Infinity },
      { ...seven, prefixLength: 24 },
    ]) {
      const { before, after } = seen({ kind: 'address', address });
      assert.notEqual(placingOf(after.addresses), placingOf(before.addresses));
    }
    const { before, after } = seen({ kind: 'address-gone', address: seven });
    assert.notEqual(placingOf(after.addresses), placingOf(before.addresses));
  });
  test('is the same kernel as long as nothing happens', () => {
    const { before, after } = seen({ kind: 'outdated' });
    assert.equal(after, before);
  });
});

suite('an answer of ip', () => {
  const there = applyEvents(nothing, [{ kind: 'address', address: seven }]);
  const keysOf = ({ addresses }: typeof there) => [...addresses.keys()];

  test('is as good as the kernel’s event', () => {
    const on = applyEvents(nothing, [{ kind: 'put-on', address: seven }]);
    assert.deepEqual(on.addresses, there.addresses);
    assert.deepEqual(keysOf(applyEvents(on, [{ kind: 'taken-off', address: seven }])), []);
  });
  test('tells nothing that the kernel’s own event has told already', () => {
    const later = { ...seven, expiresAt: seven.expiresAt + 1 };
    const [known] = applyEvents(there, [{ kind: 'put-on', address: later }]).addresses.values();
    assert.equal(known, seven);
    assert.deepEqual(keysOf(applyEvents(nothing, [{ kind: 'taken-off', address: seven }])), []);
  });
  test('that an address is off does not hide one that somebody put there for ever since', () => {
    const foreign = { ...seven, expiresAt: Infinity };
    const kernel = applyEvents(nothing, [
      { kind: 'address', address: foreign },
      { kind: 'taken-off', address: seven },
    ]);
    assert.deepEqual([...kernel.addresses.values()], [foreign]);
  });
});
