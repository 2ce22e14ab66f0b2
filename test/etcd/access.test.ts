import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { EtcdError, type WatchBatch } from '../../src/etcd/api.ts';
import { type EtcdClient, etcdClient } from '../../src/etcd/client.ts';
import type { EtcdAccess } from '../../src/etcd/endpoint.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';

/** A safety net: each token costs etcd a hash, and these tests run side by side. */
const timeoutMs = 20_000;
const put = { kind: 'put', key: 'svc/a', value: '1' } as const;

async function withClient<T>(access: Partial<EtcdAccess>, use: (etcd: EtcdClient) => Promise<T>): Promise<T> {
  const etcd = etcdClient({ endpoints: [], timeoutMs, ...access });
  try {
    return await use(etcd);
  } finally {
    etcd.close();
  }
}

/** The one line that a person reads, without the endpoint. */
const complaint = (
  access: Partial<EtcdAccess>,
  use = (etcd: EtcdClient): Promise<unknown> => etcd.range('svc/a'),
) =>
  withClient(access, async (etcd) => {
    try {
      return await use(etcd);
    } catch (error) {
      assert.ok(error instanceof EtcdError, String(error));
      return `${error.kind}: ${error.message.replace(/^etcd at \S+ /, '')}`;
    }
  });

describe('with a user', { concurrency: true }, () => {
  const user = { user: 'yaim', password: 'secret' };
  let server: EtcdServer;
  let endpoints: readonly string[];
  before(async () => {
    server = await startEtcd({ user: { name: 'yaim', password: 'secret', prefix: 'svc/' } });
    ({ endpoints } = server);
  });
  after(() => server.stop());

  test('on http:// credentials go in plain text, as the URL says', async () => {
    await withClient({ ...user, endpoints }, async (etcd) => {
      assert.equal((await etcd.transact([], [put])).succeeded, true);
    });
  });

  test('what is refused is told in one line that names the setting', async () => {
    const wrong = 'refused: read svc/a: user or password is wrong (etcd_user, etcd_password)';
    assert.equal(await complaint({ ...user, endpoints, password: 'wrong' }), wrong);
    assert.equal(await complaint({ ...user, endpoints, user: 'nobody' }), wrong);
    assert.equal(
      await complaint({ endpoints }),
      'refused: read svc/a: etcd asks for a user (etcd_user, etcd_password)',
    );
    const denied = 'the user may not read and write below `service` (etcd role)';
    assert.equal(
      await complaint({ ...user, endpoints }, (etcd) => etcd.range('other')),
      `refused: read other: ${denied}`,
    );
    assert.equal(
      await complaint(
        { ...user, endpoints },
        (etcd) => new Promise((_, reject) => etcd.watch('other/', 1).subscribe({ error: reject })),
      ),
      `refused: watch other/: ${denied}`,
    );
  });

  test('a refusal moves nobody to another endpoint, however often it comes', async () => {
    // The same server, but another endpoint to the client.
    const both = [...endpoints, `${endpoints[0]}/`];
    await withClient({ ...user, password: 'wrong', endpoints: both }, async (etcd) => {
      const first = etcd.endpoint();
      for (let times = 0; times < 20; times += 1)
        await assert.rejects(etcd.range('svc/a'), { kind: 'refused' });
      assert.equal(etcd.endpoint(), first);
    });
  });

  test('concurrent first calls, and concurrent calls after the token is over, all go well', async () => {
    await withClient({ ...user, endpoints }, async (etcd) => {
      const many = () => Promise.all(Array.from({ length: 20 }, (_, index) => etcd.range(`svc/${index}`)));
      await many();
      await sleep(5500);
      await many();
    });
  });

  test('a token that is over ends no keepalive and no watch, and costs no event', async () => {
    await withClient({ ...user, endpoints }, async (etcd) => {
      const { leaseId } = await etcd.grant(30);
      await etcd.keepAlive(leaseId);
      const batches: WatchBatch[] = [];
      let broken: unknown;
      const watch = etcd.watch('svc/w/', 1).subscribe({
        next: (batch) => batches.push(batch),
        error: (error: unknown) => {
          broken = error;
        },
      });
      const writer = etcdClient({ ...user, endpoints, timeoutMs });
      for (let index = 0; index < 28; index += 1) {
        await writer.transact([], [{ kind: 'put', key: `svc/w/${index}`, value: '' }]);
        await sleep(200);
      }
      writer.close();
      // The reader's own token was last used when it opened the watch.
      assert.equal((await etcd.keepAlive(leaseId)).ttlMs, 30_000);
      const late = etcd.watch('svc/w/', 1);
      const first = await firstValueFrom(late);
      assert.ok(first.header.revision > 28);
      assert.equal((await etcd.transact([], [put])).succeeded, true);
      watch.unsubscribe();
      assert.equal(broken, undefined);
      assert.equal(batches.flatMap(({ events }) => events).length, 28);
    });
  });

  test('rights that change in between do not end what goes on', async () => {
    await withClient({ ...user, endpoints }, async (etcd) => {
      await etcd.range('svc/a');
      await server.control('role', 'add', 'late');
      assert.equal((await etcd.transact([], [put])).succeeded, true);
    });
  });
});

test('a user where etcd knows none is told', async () => {
  const server = await startEtcd();
  try {
    assert.equal(
      await complaint({ endpoints: server.endpoints, user: 'yaim', password: 'x' }),
      'refused: read svc/a: etcd_user is set, but authentication is not enabled there',
    );
  } finally {
    await server.stop();
  }
});

test('TLS with a client certificate works; each way to get it wrong is told in one line', async () => {
  const server = await startEtcd({ tls: 'mutual' });
  try {
    const { endpoints, certificates } = server;
    assert.ok(certificates);
    const { ca, otherCa, certificate, key } = certificates;
    await withClient({ endpoints, ca, certificate, key }, async (etcd) => {
      assert.equal((await etcd.transact([], [put])).succeeded, true);
      const { leaseId } = await etcd.grant(5);
      assert.equal((await etcd.keepAlive(leaseId)).ttlMs, 5000);
    });
    const unverified =
      'unreachable: read svc/a: its TLS certificate is not accepted: unable to verify the first certificate';
    assert.equal(await complaint({ endpoints, ca: otherCa, certificate, key }), unverified);
    assert.equal(await complaint({ endpoints, certificate, key }), unverified);
    assert.equal(
      await complaint({ endpoints, ca }),
      'unreachable: read svc/a: it does not accept our TLS certificate (etcd_cert_file, etcd_key_file)',
    );
    const plain = endpoints.map((endpoint) => endpoint.replace('https', 'http'));
    assert.match(
      String(await complaint({ endpoints: plain })),
      /^unreachable: read svc\/a: it cannot be reached/,
    );
  } finally {
    await server.stop();
  }
});

test('an expired certificate is told in one line', async () => {
  const server = await startEtcd({ tls: 'expired' });
  try {
    const { endpoints, certificates } = server;
    assert.ok(certificates);
    assert.equal(
      await complaint({ endpoints, ca: certificates.ca }),
      'unreachable: read svc/a: its TLS certificate is not accepted: certificate has expired',
    );
  } finally {
    await server.stop();
  }
});
