import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTimeScheduler } from 'rxjs';
import { lifetimesOf } from '../src/lifetimes.ts';
import { localStore } from '../src/local.ts';
import { aSetter } from './support/a-setter.ts';
import { address, aSession } from './support/a-view.ts';

const RECORDED = ['10.0.0.7/32@eth0', '10.0.0.8/32@eth0', '2001:db8::9/64@eth1'];
const seven = address('10.0.0.7');
const eight = address('10.0.0.8');
const nine = address('2001:db8::9');

/** A host that has three addresses, and a kernel that answers. */
function aHost(answer: (change: string) => string | undefined = () => undefined, recorded = RECORDED) {
  const scheduler = new VirtualTimeScheduler();
  const batches: (readonly string[])[] = [];
  const setter = aSetter((changes) => batches.push(changes), answer);
  const local = localStore({ recorded }, scheduler, () => {});
  const deps = { setter, scheduler, local, answered: () => {}, allowSecondaries: () => {} };
  return { batches, setLifetimes: lifetimesOf(deps, async () => 'yaim') };
}

test('addresses that are asked for get what the session allows, where they lie, and no others do', async () => {
  const { batches, setLifetimes } = aHost();
  const late = await setLifetimes(new Set([seven, nine]), aSession({ provenUntil: 14_750 }));
  assert.deepEqual(batches, [['renew 10.0.0.7/32@eth0 eth0:yaim 13 s', 'renew 2001:db8::9/64@eth1 13 s']]);
  assert.deepEqual([...late], []);
});

test('an address that the kernel does not confirm may be there for longer, also under another name of its interface', async () => {
  const answers: Readonly<Record<string, string>> = {
    '10.0.0.7': 'EPERM',
    '2001:db8::9': 'ENODEV',
  };
  const { setLifetimes } = aHost((line) => answers[/ (\S+)\/\d+@/.exec(line)?.[1] ?? '']);
  const late = await setLifetimes(new Set([seven, eight, nine]), aSession({ provenUntil: 14_750 }));
  assert.deepEqual([...late], [seven, nine]);
});

test('where the session allows no lifetime at all, nothing is done and nothing is certain', async () => {
  const { batches, setLifetimes } = aHost();
  const late = await setLifetimes(new Set([seven]), aSession({ provenUntil: 2000 }));
  assert.deepEqual([batches, [...late]], [[], [seven]]);
});

test('thousands are done in batches that the kernel manages in time', async () => {
  const recorded = Array.from({ length: 250 }, (_, index) => `10.0.1.${index}/32@eth0`);
  const { batches, setLifetimes } = aHost(undefined, recorded);
  const all = new Set(recorded.map((key) => address(key.replace(/\/.*/, ''))));
  assert.equal((await setLifetimes(all, aSession({ provenUntil: 14_750 }))).size, 0);
  assert.deepEqual(
    batches.map(({ length }) => length),
    [100, 100, 50],
  );
});
