import { inBatches } from '../batches.ts';
import type { EtcdAction, Release } from '../domain/action.ts';
import type { Keys } from '../domain/keys.ts';
import type { Taker } from '../domain/takers.ts';
import { formatGuard } from '../domain/values.ts';
import type { Condition, Etcd, Operation } from '../etcd/api.ts';

export type ActionOf<Kind extends EtcdAction['kind']> = Extract<EtcdAction, { readonly kind: Kind }>;

/** Whether the transaction took place, and the revision at which its effect can be seen. */
export interface Written {
  readonly succeeded: boolean;
  readonly revision: number;
}

export interface MarkDependencies {
  readonly etcd: Pick<Etcd, 'transact'>;
  readonly keys: Keys;
  readonly nodename: string;
  /** Wall-clock time for people, ISO. */
  readonly wallClock: () => string;
}

/** etcd takes at most 128 conditions a transaction, and an address needs three. */
const ADDRESSES_A_TRANSACTION = 40;

/**
 * Claims addresses: mark and guard together, only if neither exists, the pool still lists the address, and this
 * node's presence is on this very lease. One that is taken makes the whole transaction fail: the next view shows
 * which one it was, and losing a race is an ordinary outcome.
 */
export function claim({ etcd, keys, nodename, wallClock }: MarkDependencies) {
  return async ({ claims, leaseId }: ActionOf<'claim'>): Promise<readonly Written[]> => {
    const guard = formatGuard({ node: nodename, since: wallClock() });
    return inChunks(claims, async (chunk) => {
      const conditions: Condition[] = [{ key: keys.node(nodename), leaseId }];
      const operations: Operation[] = [];
      for (const { address, poolKey, markRevision } of chunk) {
        const mark = keys.mark(address);
        conditions.push(
          { key: poolKey, exists: true },
          { key: keys.guard(address), exists: false },
          markRevision === null ? { key: mark, exists: false } : { key: mark, modRevision: markRevision },
        );
        operations.push(
          { kind: 'put', key: keys.guard(address), value: guard, leaseId },
          { kind: 'put', key: mark, value: nodename, leaseId },
        );
      }
      return etcd.transact(conditions, operations);
    });
  };
}

/**
 * Gives marks back together with their guards, or to the nodes that take them next while those are present on the leases
 * that get them, on condition of the guards' revisions: a release that arrives late, after the address was claimed
 * anew, does nothing. With `withdraw` the presence goes with the last of them,
 * and what this node tells about itself is written.
 */
export function release({ etcd, keys, nodename, wallClock }: MarkDependencies) {
  return async ({ releases, withdraw, text, leaseId }: ActionOf<'release'>): Promise<readonly Written[]> => {
    const session = keys.session(nodename);
    const isPresent: Condition[] = [{ key: keys.node(nodename), leaseId }];
    const withdrawal: Operation[] = [{ kind: 'delete', key: keys.node(nodename) }];
    if (text !== undefined) {
      isPresent.push({ key: session, leaseId });
      withdrawal.push({ kind: 'put', key: session, value: text, leaseId });
    }
    if (releases.length === 0) return [await etcd.transact(isPresent, withdrawal)];
    return inChunks(releases, (chunk, isLast) => {
      const conditions: Condition[] = withdraw && isLast ? [...isPresent] : [];
      const operations: Operation[] = withdraw && isLast ? [...withdrawal] : [];
      for (const taker of takersIn(chunk))
        conditions.push({ key: keys.node(taker.node), leaseId: taker.leaseId });
      for (const { address, guardRevision, markRevision, to } of chunk) {
        const guard = to && formatGuard({ node: to.node, since: wallClock() });
        for (const [key, modRevision, value] of [
          [keys.guard(address), guardRevision, guard],
          [keys.mark(address), markRevision, to?.node],
        ] as const) {
          if (modRevision === null) continue;
          conditions.push({ key, modRevision });
          if (to === undefined || value === undefined) operations.push({ kind: 'delete', key });
          else operations.push({ kind: 'put', key, value, leaseId: to.leaseId });
        }
      }
      return etcd.transact(conditions, operations);
    });
  };
}

/** Each node once: etcd allows no more conditions. */
function takersIn(releases: readonly Release[]): readonly Taker[] {
  const takers = new Map<string, Taker>();
  for (const { to } of releases) if (to !== undefined) takers.set(to.node, to);
  return [...takers.values()];
}

/** Deletes a mark or a guard that no lease would ever end, as it was seen. */
export function tidy({ etcd, keys }: MarkDependencies) {
  return async ({ what, address, modRevision }: ActionOf<'tidy'>): Promise<readonly Written[]> => {
    const key = keys[what](address);
    return [await etcd.transact([{ key, modRevision }], [{ kind: 'delete', key }])];
  };
}

async function inChunks<T>(
  items: readonly T[],
  transact: (chunk: readonly T[], isLast: boolean) => Promise<Written>,
): Promise<readonly Written[]> {
  const chunks = inBatches(items, ADDRESSES_A_TRANSACTION);
  return Promise.all(chunks.map((chunk, index) => transact(chunk, index === chunks.length - 1)));
}
