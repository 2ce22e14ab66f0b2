import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastValueFrom, of, VirtualTimeScheduler } from 'rxjs';
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
