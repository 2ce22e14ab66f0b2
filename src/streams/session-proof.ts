import { type LeaseId, NO_LEASE } from '../domain/cluster.ts';
import type { KeyValue } from '../domain/entries.ts';
import { provenUntil, type Session } from '../domain/session.ts';
import { formatSession } from '../domain/values.ts';
import { EtcdError, type Header, type Operation } from '../etcd/api.ts';
import { ensureSameTerm, type LeaseChangeDependencies } from './lease-change.ts';

export type LeaseDependencies = Pick<LeaseChangeDependencies, 'etcd' | 'keys' | 'scheduler'>;

export interface LeaseOptions {
  readonly nodename: string;
  readonly instance: string;
  readonly ttlMs: number;
}

/** The lease or its key is gone or another's: everything that hung on it is lost. */
export class SessionLost extends Error {}

/**
 * One proof: until when the session is proven. `newest` remembers the newest revision that proofs of this session saw.
 * @throws SessionLost, or EtcdError when it could not be told
 */
export async function prove(
  { etcd, keys, scheduler }: LeaseDependencies,
  { nodename }: LeaseOptions,
  { leaseId, instance }: Pick<Session, 'leaseId' | 'instance'>,
  newest: { revision: number } = { revision: 0 },
): Promise<number> {
  const key = keys.session(nodename);
  const sentAt = scheduler.now();
  const { ttlMs, term } = await etcd.keepAlive(leaseId);
  if (ttlMs <= 0) throw new SessionLost('etcd says that the lease is gone');
  const read = await etcd.range(key);
  // A lease that came back with a backup proves nothing: its addresses may have been claimed since.
  if (read.revision < newest.revision) throw new SessionLost('etcd came back with older data');
  newest.revision = read.revision;
  const [found] = read.keyValues;
  if (found !== undefined && found.leaseId !== leaseId && found.leaseId !== NO_LEASE) {
    throw new SessionLost(`the session key ${key} is on another lease`);
  }
  const isThere = found?.leaseId === leaseId;
  ensureSameTerm(etcd, term, isThere ? read : await writeAgain(etcd, key, found, instance, leaseId));
  return provenUntil(sentAt, ttlMs);
}

/** Deleted or overwritten by hand: the lease with all its marks lives on, or this write fails. */
async function writeAgain(
  etcd: LeaseDependencies['etcd'],
  key: string,
  found: KeyValue | undefined,
  instance: string,
  leaseId: LeaseId,
): Promise<Header> {
  const condition = found === undefined ? { key, exists: false } : { key, modRevision: found.modRevision };
  try {
    const written = await etcd.transact([condition], [firstValue(key, instance, leaseId)]);
    if (written.succeeded) return written;
  } catch (error) {
    if (error instanceof EtcdError && error.kind === 'lease-not-found') throw new SessionLost(error.message);
    throw error;
  }
  throw new EtcdError('interrupted', etcd.endpoint(), `the session key ${key} changed during the proof`);
}

export function firstValue(key: string, instance: string, leaseId: LeaseId): Operation {
  return { kind: 'put', key, value: firstText(instance), leaseId };
}

/** The session key as it is written before anything is known of this node. */
export function firstText(instance: string): string {
  return formatSession({ instance, health: 'unknown', healthSince: null, occupied: [] });
}
