import type { SchedulerLike } from 'rxjs';
import type { Address } from '../domain/address.ts';
import type { LeaseId } from '../domain/cluster.ts';
import type { KeyValue } from '../domain/entries.ts';
import type { Keys } from '../domain/keys.ts';
import { provenUntil, type Session } from '../domain/session.ts';
import { type Etcd, EtcdError, type Header } from '../etcd/api.ts';

export interface LeaseChangeDependencies {
  readonly etcd: Pick<Etcd, 'range' | 'transact' | 'grant' | 'keepAlive' | 'revoke' | 'endpoint'>;
  readonly keys: Keys;
  readonly scheduler: SchedulerLike;
  /** Leases that may hold keys of this node: what the next run has to know, should this one end here. */
  readonly saveLeases: (leaseIds: readonly LeaseId[]) => void;
  /**
   * Sets the lifetimes of what this host has of the addresses to what the session allows now; answers with those that
   * may be there for longer.
   */
  readonly setLifetimes: (addresses: ReadonlySet<Address>, session: Session) => Promise<ReadonlySet<Address>>;
}

export interface LeaseChange {
  readonly nodename: string;
  readonly instance: string;
  readonly ttlMs: number;
  /** What the session key says on its new lease. */
  readonly sessionText: (before: string) => string;
}

export interface Changed {
  readonly session: Session;
  /** Addresses whose mark and guard are on the new lease. */
  readonly held: ReadonlySet<Address>;
}

/**
 * Moves everything of this node from the leases `ours` to a new one, without moving an address; undefined when the
 * session key is on none of them, so that there is nothing to move. The new lease is added to `ours`: a second try
 * finds what the first one did, and so does another run of yaim after a crash in between.
 *
 * No address may outlast the lease that its guard is on. So lifetimes get shorter before the guards go to a shorter
 * lease; they get longer, by whoever called this, only when the guards are on the longer one. Each key moves on condition
 * of its revision, in which it has been ours without a break; and a write of the run before that is still under way,
 * conditioned on the old revision, comes too late to do anything.
 * @throws EtcdError
 */
export async function changeLease(
  deps: LeaseChangeDependencies,
  change: LeaseChange,
  ours: Set<LeaseId>,
): Promise<Changed | undefined> {
  const { etcd, keys, scheduler, saveLeases } = deps;
  const sessionKey = keys.session(change.nodename);
  if (!(await isWritable(deps, sessionKey, ours))) return undefined;
  const before = await Promise.all([...ours].map((leaseId) => renew(deps, leaseId)));
  const sources = new Map(before.filter(({ ttlMs }) => ttlMs > 0).map((lease) => [lease.leaseId, lease]));
  const listed = await etcd.range(keys.prefix, 'prefix');
  const own = listed.keyValues.find(({ key }) => key === sessionKey);
  if (own === undefined || !sources.has(own.leaseId)) return undefined;
  for (const { term } of sources.values()) ensureSameTerm(etcd, term, listed);

  const sentAt = scheduler.now();
  const { leaseId, ttlMs } = await etcd.grant(change.ttlMs / 1000);
  ours.add(leaseId);
  saveLeases([...ours]);
  const session = { leaseId, instance: change.instance, ttlMs, provenUntil: provenUntil(sentAt, ttlMs) };

  const kept = await shorten(deps, session, [...sources.values()], listed.keyValues);
  const from = new Set(sources.keys());
  const move: KeyMove = {
    from,
    to: leaseId,
    stays: (key) => kept.has(key),
    text: ({ key, value }) => (key === sessionKey ? change.sessionText(value) : value),
  };
  const moved = await moveKeys(deps, move);
  // What could not be moved ends with its lease, by which time its address is gone.
  if (kept.size === 0) await Promise.all([...from].map((source) => giveBack(etcd, source)));
  const onNew = moved.filter((keyValue) => keyValue.leaseId === leaseId);
  const shownFrom = Math.max(...onNew.map(({ modRevision }) => modRevision));
  return { session: { ...session, shownFrom }, held: heldIn(keys, onNew) };
}

/**
 * Whether the session key is on a lease of ours. Writes it to find out, before anything is kept alive, for which etcd
 * asks for no rights: who may not write can neither use what is on the lease nor give it back, and would withhold it from
 * everybody for ever.
 */
async function isWritable(
  { etcd }: LeaseChangeDependencies,
  key: string,
  ours: ReadonlySet<LeaseId>,
): Promise<boolean> {
  const [own] = (await etcd.range(key)).keyValues;
  if (own === undefined || !ours.has(own.leaseId)) return false;
  const { modRevision, value, leaseId } = own;
  await etcd.transact([{ key, modRevision }], [{ kind: 'put', key, value, leaseId }]);
  return true;
}

interface RenewedLease {
  readonly leaseId: LeaseId;
  /** 0: it is gone. */
  readonly ttlMs: number;
  readonly provenUntil: number;
  readonly term: string;
}

/** The lease with its whole time again. Proven only by the list that is read after it, in the same term. */
async function renew({ etcd, scheduler }: LeaseChangeDependencies, leaseId: LeaseId): Promise<RenewedLease> {
  const sentAt = scheduler.now();
  const { ttlMs, term } = await etcd.keepAlive(leaseId);
  return { leaseId, ttlMs, provenUntil: provenUntil(sentAt, ttlMs), term };
}

/**
 * Before guards go to a shorter lease: the lifetimes of their addresses end before both that and the old one can.
 * Answers with the keys that must stay where they are, since their addresses may be there for longer.
 */
async function shorten(
  { keys, setLifetimes }: LeaseChangeDependencies,
  session: Session,
  sources: readonly RenewedLease[],
  keyValues: readonly KeyValue[],
): Promise<ReadonlySet<string>> {
  // One that is not longer was renewed before the new one began: what it allowed ends before the new one, too.
  if (sources.every(({ ttlMs }) => ttlMs <= session.ttlMs)) return new Set();
  const onSources = keyValues.filter((keyValue) =>
    sources.some(({ leaseId }) => leaseId === keyValue.leaseId),
  );
  const until = Math.min(session.provenUntil, ...sources.map((source) => source.provenUntil));
  const late = await setLifetimes(guardedIn(keys, onSources), { ...session, provenUntil: until });
  return new Set([...late].flatMap((address) => [keys.guard(address), keys.mark(address)]));
}

interface KeyMove {
  readonly from: ReadonlySet<LeaseId>;
  readonly to: LeaseId;
  readonly stays: (key: string) => boolean;
  readonly text: (keyValue: KeyValue) => string;
}

/** etcd takes at most 128 conditions, and as many operations, a transaction. */
const KEYS_A_TRANSACTION = 100;
/** Keys that somebody changes meanwhile are looked at again so often. */
const ROUNDS = 5;

/** Moves until nothing is left to move; what is below the service then, read linearizably. */
async function moveKeys(
  { etcd, keys }: LeaseChangeDependencies,
  { from, to, stays, text }: KeyMove,
): Promise<readonly KeyValue[]> {
  for (let round = 0; round <= ROUNDS; round += 1) {
    const { keyValues } = await etcd.range(keys.prefix, 'prefix');
    const due = keyValues.filter(({ key, leaseId }) => from.has(leaseId) && !stays(key));
    if (due.length === 0) return keyValues;
    await Promise.all(
      inChunks(due).map((chunk) =>
        etcd.transact(
          chunk.map(({ key, modRevision }) => ({ key, modRevision })),
          chunk.map((keyValue) => ({ kind: 'put', key: keyValue.key, value: text(keyValue), leaseId: to })),
        ),
      ),
    );
  }
  const problem = `the keys of this node changed ${ROUNDS} times while they went to another lease`;
  throw new EtcdError('interrupted', etcd.endpoint(), problem);
}

function inChunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const chunks: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += KEYS_A_TRANSACTION)
    chunks.push(items.slice(start, start + KEYS_A_TRANSACTION));
  return chunks;
}

function guardedIn(keys: Keys, keyValues: readonly KeyValue[]): ReadonlySet<Address> {
  const addresses = keyValues.flatMap(({ key: path }) => {
    const key = keys.parse(path);
    return key.kind === 'guard' ? [key.address] : [];
  });
  return new Set(addresses);
}

function heldIn(keys: Keys, keyValues: readonly KeyValue[]): ReadonlySet<Address> {
  const present = new Set(keyValues.map(({ key }) => key));
  return new Set([...guardedIn(keys, keyValues)].filter((address) => present.has(keys.mark(address))));
}

/** @throws EtcdError: what two leaders say is no proof */
export function ensureSameTerm(etcd: Pick<Etcd, 'endpoint'>, from: string, { term }: Header): void {
  if (term === from) return;
  const text = `etcd's leader changed during the proof (term ${from}, then ${term})`;
  throw new EtcdError('interrupted', etcd.endpoint(), text);
}

/** A lease on which nothing hangs; if it cannot be revoked, it ends by itself. */
export async function giveBack(etcd: Pick<Etcd, 'revoke'>, leaseId: LeaseId): Promise<void> {
  await etcd.revoke(leaseId).catch((error: unknown) => {
    if (!(error instanceof EtcdError)) throw error;
  });
}
