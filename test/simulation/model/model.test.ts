import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timer } from 'rxjs';
import type { Address } from '../../../src/domain/address.ts';
import { etcdStoreOn } from './etcd-store.ts';
import { hostKernelOn, INTERFACE } from './host-kernel.ts';
import { processOn } from './process.ts';
import { randomOf } from './random.ts';
import { timelineOf } from './timeline.ts';

const ADDRESS = '10.0.0.7' as Address;

test('a lease ends with all its keys in one revision, at most half a second late, and later when renewed', async () => {
  const timeline = timelineOf();
  const store = etcdStoreOn(timeline, randomOf(1));
  const leaseId = store.leases.grant(3000);
  const put = (key: string) => ({ kind: 'put', key, value: '', leaseId }) as const;
  store.transact([], [put('a'), put('b')]);
  timeline.after(2000, () => store.leases.renew(leaseId));
  await timeline.liveUntil(4900);
  assert.equal(store.range('', 'prefix').length, 2);
  await timeline.liveUntil(5600);
  assert.equal(store.range('', 'prefix').length, 0);
  assert.equal(store.since(store.revision())[0]?.events.length, 2);
});

test('a kernel lifetime ends 0.02 s early to 1 s late, and begins anew with each change', async () => {
  const timeline = timelineOf();
  const gone: number[] = [];
  const witness = {
    appeared: () => {},
    disappeared: () => gone.push(timeline.now()),
    touchedForeign: () => {},
  };
  const kernel = hostKernelOn(timeline, randomOf(1), witness);
  const place = { address: ADDRESS, prefixLength: 32, interface: INTERFACE };
  kernel.carryOut({ kind: 'add', ...place, label: 'eth0:yaim', lifetimeSeconds: 2 });
  timeline.after(1500, () =>
    kernel.carryOut({ kind: 'renew', ...place, label: 'eth0:yaim', lifetimeSeconds: 2 }),
  );
  await timeline.liveUntil(10_000);
  assert.equal(gone.length, 1);
  assert.ok((gone[0] ?? 0) >= 3480 && (gone[0] ?? 0) <= 4500, String(gone[0]));
});

test('without promote_secondaries the first address of a network takes the others along', () => {
  const timeline = timelineOf();
  const witness = { appeared: () => {}, disappeared: () => {}, touchedForeign: () => {} };
  const kernel = hostKernelOn(timeline, randomOf(1), witness);
  const place = (last: number) =>
    ({ address: `10.0.0.${last}` as Address, prefixLength: 24, interface: INTERFACE }) as const;
  for (const last of [7, 8, 9])
    kernel.carryOut({ kind: 'add', ...place(last), label: 'eth0:yaim', lifetimeSeconds: 9 });
  kernel.carryOut({ kind: 'remove', ...place(7) });
  assert.equal(kernel.addresses().size, 0);
});

test('timers and input of a stopped process wait until it continues', async () => {
  const timeline = timelineOf();
  const process = processOn(timeline, randomOf(1), { rate: 1, offsetMs: 0 });
  const told: string[] = [];
  timer(1000, process.scheduler).subscribe(() => told.push('timer'));
  timeline.after(500, process.pause);
  timeline.after(1500, () => process.deliver(() => told.push('input')));
  await timeline.liveUntil(3000);
  assert.deepEqual(told, []);
  timeline.after(0, process.resume);
  await timeline.liveUntil(3100);
  assert.deepEqual(told.sort(), ['input', 'timer']);
});
