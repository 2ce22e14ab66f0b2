import { type LeaseId, NO_LEASE } from '../domain/cluster.ts';
import { provenUntil, type Session } from '../domain/session.ts';
import { parseSession } from '../domain/values.ts';
import { type Condition, EtcdError } from '../etcd/api.ts';
import { changeLease, giveBack, type LeaseChangeDependencies } from './lease-change.ts';
import { firstText, firstValue, type LeaseDependencies, type LeaseOptions } from './session-proof.ts';

export type Established =
  | { readonly kind: 'started'; readonly session: Session; readonly adopted: boolean }
  /** Another living run has this nodename: nothing is taken while it lives. */
  | { readonly kind: 'occupied'; readonly reason: string };

/**
 * Attempts at a session, one at a time: everything that the previous run left goes to a new lease, if the session key is
 * still on a lease of its; else a new lease is all. A key that an earlier attempt of this very run created, with the answer
 * lost, is recognised by its instance. A new lease in any case: the one of before may have another TTL.
 */
export function establisher(
  deps: LeaseChangeDependencies,
  options: LeaseOptions,
  previousLeases: readonly LeaseId[] = [],
): () => Promise<Established> {
  const { etcd, scheduler } = deps;
  const { nodename, instance, ttlMs } = options;
  const key = deps.keys.session(nodename);
  const change = { nodename, instance, ttlMs, sessionText: () => firstText(instance) };
  const ours = new Set(previousLeases);
  let stray = { modRevision: 0, since: 0 };

  /** What hangs on leases of ours; whatever comes of it, they are nothing to come back to. */
  const takeOver = async (): Promise<Session | undefined> => {
    const changed = await changeLease(deps, change, ours);
    ours.clear();
    return changed?.session;
  };

  return async () => {
    const adopted = ours.size === 0 ? undefined : await takeOver();
    if (adopted !== undefined) return { kind: 'started', session: adopted, adopted: true };
    const { keyValues } = await etcd.range(key);
    const [found] = keyValues;
    if (found === undefined) return create(deps, options, { key, exists: false });
    if (found.leaseId !== NO_LEASE) {
      if (parseSession(found.value).instance !== instance) return occupied(options, key);
      ours.add(found.leaseId);
      const session = await takeOver();
      return session === undefined ? occupied(options, key) : { kind: 'started', session, adopted: false };
    }
    // Written by hand, and no lease will ever end it. A living owner puts it right with its next proof; else we do.
    const { modRevision } = found;
    if (stray.modRevision !== modRevision) stray = { modRevision, since: scheduler.now() };
    if (scheduler.now() - stray.since < ttlMs) return occupied(options, key);
    return create(deps, options, { key, modRevision });
  };
}

async function create(
  { etcd, scheduler }: LeaseDependencies,
  options: LeaseOptions,
  condition: Condition,
): Promise<Established> {
  const { instance } = options;
  const sentAt = scheduler.now();
  const { leaseId, ttlMs } = await etcd.grant(options.ttlMs / 1000);
  const write = firstValue(condition.key, instance, leaseId);
  const { succeeded } = await etcd.transact([condition], [write]).catch(async (error: unknown) => {
    // Refused for certain. Any other failure may hide a success, which the next attempt will find.
    const isCertain = error instanceof EtcdError && (error.kind === 'refused' || error.kind === 'no-space');
    if (isCertain) await giveBack(etcd, leaseId);
    throw error;
  });
  if (!succeeded) {
    await giveBack(etcd, leaseId);
    return occupied(options, condition.key);
  }
  const session = { leaseId, instance, ttlMs, provenUntil: provenUntil(sentAt, ttlMs) };
  return { kind: 'started', session, adopted: false };
}

function occupied({ nodename }: LeaseOptions, key: string): Established {
  return { kind: 'occupied', reason: `another yaim named ${nodename} lives (${key})` };
}
