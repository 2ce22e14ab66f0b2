import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BehaviorSubject, skip, takeUntil, VirtualTimeScheduler } from 'rxjs';
import { afterInput } from '../../src/coalesce.ts';
import type { EtcdAction, Release } from '../../src/domain/action.ts';
import { parseAddress } from '../../src/domain/address.ts';
import type { Decision } from '../../src/domain/decision.ts';
import { type EtcdLoopDependencies, etcdLoop$ } from '../../src/effects/etcd-loop.ts';
import { EtcdError } from '../../src/etcd/api.ts';
import { localStore } from '../../src/local.ts';
import { aView } from '../support/a-view.ts';

const address = parseAddress('10.0.0.7') ?? assert.fail();
const sent: Release = { address, guardRevision: 11, markRevision: 11, reason: 'the database is sick' };
const release: EtcdAction = {
  kind: 'release',
  releases: [sent],
  withdraw: false,
  leaseId: '1',
  reason: sent.reason,
};

/** Lets the loop perform a release that the view never shows, and gives what is remembered of it after each try. */
async function releasedBlindly(perform: EtcdLoopDependencies['perform']): Promise<readonly unknown[]> {
  const scheduler = new VirtualTimeScheduler(undefined, 1000);
  const local = localStore({ recorded: [] }, scheduler, () => {});
  const decision$ = new BehaviorSubject<Decision>({ view: aView({}), actions: [release] });
  const remembered: unknown[] = [];
  local.local$.subscribe(({ releasing }) => remembered.push(releasing.get(address)));
  const quiet = { retryAfterMs: () => 250, written: () => {}, failed: () => {} };
  const deps = { perform, local, scheduler, soon: afterInput, ...quiet };
  const loop = etcdLoop$(deps, decision$).subscribe();
  for (let turn = 0; turn < 5; turn += 1) {
    await nextTurn();
    scheduler.flush();
  }
  loop.unsubscribe();
  return remembered;
}

test('a release that took place stays sent when the watch lags and its second try finds the guard gone', async () => {
  let tries = 0;
  const remembered = await releasedBlindly(async () => [{ succeeded: tries++ === 0, revision: 12 }]);
  assert.ok(tries > 1);
  assert.deepEqual(new Set(remembered.slice(1)), new Set([11]));
});

test('a release without an answer stays sent and is tried again', async () => {
  let tries = 0;
  const remembered = await releasedBlindly(async () => {
    tries += 1;
    throw new EtcdError('timeout', 'http://etcd', 'no answer');
  });
  assert.ok(tries > 1);
  assert.deepEqual(new Set(remembered.slice(1)), new Set([11]));
});

/** Of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('where claimed addresses will go is saved while etcd works, before they are added', async () => {
  const scheduler = new VirtualTimeScheduler();
  const story: string[] = [];
  const local = localStore({ recorded: [] }, scheduler, (keys) => story.push(`saved ${[...keys].join(' ')}`));
  const placement = { interface: 'eth0', prefixLength: 32 };
  const claim = { address, poolKey: 'svc/ips/10.0.0.7', markRevision: null, placement, reason: '' };
  const action: EtcdAction = { kind: 'claim', claims: [claim], leaseId: '1', reason: '' };
  const decision$ = new BehaviorSubject<Decision>({ view: aView({}), actions: [action] });
  const perform = async () => {
    story.push('asked');
    await nextTurn();
    await nextTurn();
    story.push('answered');
    return [{ succeeded: true, revision: 12 }];
  };
  const quiet = { retryAfterMs: () => 250, failed: () => {} };
  await new Promise<void>((resolve) => {
    const written = (): void => resolve();
    const deps = { perform, local, scheduler, soon: afterInput, ...quiet, written };
    etcdLoop$(deps, decision$)
      .pipe(takeUntil(local.local$.pipe(skip(1))))
      .subscribe();
  });
  local.record(['10.0.0.7/32@eth0']);
  assert.deepEqual(story, ['asked', 'saved 10.0.0.7/32@eth0', 'answered']);
});
