import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BehaviorSubject, lastValueFrom, of, VirtualTimeScheduler } from 'rxjs';
import type { Decision } from '../src/domain/decision.ts';
import { goodbye$ } from '../src/stopping.ts';
import { aSession, aView } from './support/a-view.ts';

test('the lease is left before it is revoked: a proof that finds it gone must not take that for a loss', async () => {
  const story: string[] = [];
  const view = aView({ nodes: ['db2'], stopping: true, session: aSession() });
  const deps = {
    etcd: { revoke: async (leaseId: string) => void story.push(`revoke ${leaseId}`) },
    scheduler: new VirtualTimeScheduler(),
    saveLeases: (leases: readonly string[]) => story.push(`saved ${leases.length}`),
    revokeFailed: (error: unknown) => assert.ifError(error),
    leaving: () => story.push('leaving'),
  };
  await lastValueFrom(goodbye$(deps, of({ view, actions: [] })), { defaultValue: undefined });
  assert.deepEqual(story, ['leaving', 'revoke 101', 'saved 0']);
});

suite('the lease is revoked', () => {
  const free = aView({ pool: ['10.0.0.7'], nodes: ['db2'], stopping: true, session: aSession() });
  const taken = aView({
    pool: ['10.0.0.7'],
    nodes: ['db2'],
    holders: { '10.0.0.7': 'db2' },
    stopping: true,
    session: aSession(),
  });
  const begun = () => {
    const scheduler = new VirtualTimeScheduler(undefined, 1000);
    const revokedAt: number[] = [];
    const deps = {
      etcd: { revoke: async () => void revokedAt.push(scheduler.now()) },
      scheduler,
      saveLeases: () => {},
      revokeFailed: (error: unknown) => assert.ifError(error),
      leaving: () => {},
    };
    const decision$ = new BehaviorSubject<Decision>({ view: free, actions: [] });
    goodbye$(deps, decision$).subscribe();
    return { scheduler, revokedAt, decision$ };
  };

  test('when somebody has what was given back: a write before his would hold him up', () => {
    const { revokedAt, decision$ } = begun();
    assert.deepEqual(revokedAt, []);
    decision$.next({ view: taken, actions: [] });
    assert.deepEqual(revokedAt, [0]);
  });
  test('when nobody took it for a while', () => {
    const { scheduler, revokedAt } = begun();
    scheduler.flush();
    assert.deepEqual(revokedAt, [100]);
  });
});
