import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timer } from 'rxjs';
import type { Address } from '../../../src/domain/address.ts';
import { etcdStoreOn } from './etcd-store.ts';
import { hostKernelOn, INTERFACE } from './host-kernel.ts';
import { parseIpLine } from './ip-lines.ts';
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
  const line = (verb: string) =>
    parseIpLine(`address ${verb} ${ADDRESS}/32 dev ${INTERFACE} label eth0:yaim valid_lft 2 preferred_lft 2`);
  kernel.carryOut(line('add'));
  timeline.after(1500, () => kernel.carryOut(line('change')));
  await timeline.liveUntil(10_000);
  assert.equal(gone.length, 1);
  assert.ok((gone[0] ?? 0) >= 3480 && (gone[0] ?? 0) <= 4500, String(gone[0]));
});

test('without promote_secondaries the first address of a network takes the others along', () => {
  const timeline = timelineOf();
  const witness = { appeared: () => {}, disappeared: () => {}, touchedForeign: () => {} };
  const kernel = hostKernelOn(timeline, randomOf(1), witness);
  const line = (verb: string, last: number) =>
    parseIpLine(`address ${verb} 10.0.0.${last}/24 dev ${INTERFACE} label eth0:yaim valid_lft 9`);
  for (const last of [7, 8, 9]) kernel.carryOut(line('add', last));
  kernel.carryOut(line('delete', 7));
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
