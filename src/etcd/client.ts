import { defer } from 'rxjs';
import type { Etcd } from './api.ts';
import { type Connection, connections } from './connections.ts';
import type { EtcdAccess, WatchStream } from './endpoint.ts';
import { reading } from './read.ts';
import type { Credentials } from './token.ts';
import { watchOn } from './watch.ts';
import { compareOf, endOfPrefix, headerOf, keyValueOf, requestOf } from './wire.ts';

export interface EtcdClient extends Etcd {
  /** Goes on as another user; rejects with an EtcdError, and stays the one of before, when etcd refuses it. */
  readonly useCredentials: (credentials: Credentials) => Promise<void>;
  /** Ends every stream and connection. */
  readonly close: () => void;
}

/**
 * etcd through one endpoint at a time: the first is drawn at random, and one that fails is left for the next. Reads
 * and keepalives, which may be made twice, ask another member when one fails or hesitates. Writes are never repeated:
 * who called decides what a failure means, since a write whose answer was lost may have happened.
 */
export function etcdClient(access: EtcdAccess, random: () => number = Math.random): EtcdClient {
  const connected = connections(access, random);
  const { endpoints, at, call, failed, useCredentials, isAuthenticated, close } = connected;
  const read = reading(connected, access.timeoutMs);
  const endpoint = () => endpoints()[0] ?? '';
  const current = () => at(endpoint());
  const write = async <T>(what: string, run: (connection: Connection) => Promise<T>): Promise<T> =>
    call(current(), what, run);

  return {
    endpoint,
    range: (key, prefix) =>
      read(`read ${key}`, async ({ etcd, vouch }) => {
        const response = await etcd.kv.range({
          key: Buffer.from(key),
          ...(prefix === undefined ? {} : { range_end: endOfPrefix(key) }),
        });
        vouch();
        return { ...headerOf(response.header), keyValues: response.kvs.map(keyValueOf) };
      }),
    transact: (conditions, operations) =>
      write(`write ${operations[0]?.key ?? 'nothing'}`, async ({ etcd }) => {
        const response = await etcd.kv.txn({
          compare: conditions.map(compareOf),
          success: operations.map(requestOf),
          failure: [],
        });
        return { ...headerOf(response.header), succeeded: response.succeeded };
      }),
    grant: (ttlSeconds) =>
      write('grant a lease', async ({ etcd }) => {
        const { ID, TTL } = await etcd.leaseClient.leaseGrant({ TTL: ttlSeconds });
        return { leaseId: ID, ttlMs: Number(TTL) * 1000 };
      }),
    keepAlive: (leaseId) => read('keep the lease alive', ({ keepAlive }) => keepAlive.send(leaseId)),
    revoke: (leaseId) =>
      write('revoke the lease', async ({ etcd }) => {
        await etcd.leaseClient.leaseRevoke({ ID: leaseId });
      }),
    watch: (prefix, startRevision) =>
      defer(() => {
        const connection = current();
        const what = `watch ${prefix}`;
        return watchOn({
          open: () => call(connection, what, (on) => openWatch(on, prefix, isAuthenticated())),
          prefix,
          startRevision,
          givenUp: connection.givenUp,
          failed: (error) => failed(connection, what, error),
        });
      }),
    useCredentials,
    close,
  };
}

/** etcd refuses a watch with a token that is over as if a right were missing: a read finds out and renews the token. */
async function openWatch(
  { etcd }: Connection,
  prefix: string,
  isAuthenticated: boolean,
): Promise<WatchStream> {
  if (isAuthenticated) await etcd.kv.range({ key: Buffer.from(prefix), count_only: true });
  return etcd.watchClient.watch();
}
