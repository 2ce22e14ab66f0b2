import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, suite, test } from 'node:test';
import { CommandError, EXIT } from '../../src/cli/exit.ts';
import { type HostLock, lockHost } from '../../src/cli/host-lock.ts';
import type { Config } from '../../src/config/config.ts';

/** Names of this process only: the locks are the host's. */
const own = randomUUID().slice(0, 8);
const locks: HostLock[] = [];

async function locked(parts: { service?: string; nodename?: string; label?: string }): Promise<HostLock> {
  const { service = own, nodename = 'db1', label = 'yaim' } = parts;
  const lock = await lockHost({ service, nodename, label: `${own}-${label}` } as Config);
  locks.push(lock);
  return lock;
}

const refusal = (status: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CommandError, String(error));
  assert.match(error.message, message);
  return error.status === status;
};

afterEach(() => {
  for (const lock of locks.splice(0)) lock.close();
});

suite('on one host', () => {
  test('one agent runs for a service and node', async () => {
    await locked({});
    await assert.rejects(locked({ label: 'other' }), refusal(EXIT.failed, /for \w+ and node db1 .*stop it/));
  });
  test('agents of two services have a label each: by it they know their addresses', async () => {
    await locked({});
    const service = `${own}/other`;
    await assert.rejects(locked({ service }), refusal(EXIT.config, /label "\w+-yaim".*set another label/));
    await locked({ service, label: 'other' });
  });
  test('an agent that is refused for its label holds nothing', async () => {
    const first = await locked({});
    const service = `${own}/other`;
    await assert.rejects(locked({ service }));
    first.close();
    await locked({ service });
  });
  test('an agent may change its label to one that nobody has, and back', async () => {
    await locked({ service: `${own}/other`, label: 'other' });
    const { lockLabel } = await locked({});
    await lockLabel(`${own}-new`);
    await lockLabel(`${own}-yaim`);
    await assert.rejects(lockLabel(`${own}-other`), refusal(EXIT.config, /set another label/));
    await assert.rejects(locked({ service: `${own}/third`, label: 'new' }), refusal(EXIT.config, /-new"/));
  });
  test('names that are too long for a socket are locked all the same', async () => {
    const service = `/company/production/databases/postgres/cluster-main/${own}`;
    const nodename = 'db-postgres-01.prod.eu-central-1.internal.example.com';
    await locked({ service, nodename });
    await assert.rejects(locked({ service, nodename, label: 'other' }), refusal(EXIT.failed, /stop it/));
    await locked({ service, nodename: `${nodename}.`, label: 'other' });
  });
});
