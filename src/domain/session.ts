import type { LeaseId } from './cluster.ts';

/** This node's own lease and until when it is proven, on the monotonic clock. */
export interface Session {
  readonly leaseId: LeaseId;
  readonly instance: string;
  /** The TTL that etcd granted. */
  readonly ttlMs: number;
  /** Until then the lease cannot have ended, whatever has happened since. */
  readonly provenUntil: number;
  /** The revision of etcd from which on everything of this node is on this lease; before it nothing may be decided. */
  readonly shownFrom?: number;
}

/** Room for clock rates that differ a little, and for etcd's own rounding: 250 ms, or a hundredth of a long TTL. */
function marginMs(ttlMs: number): number {
  return Math.max(250, ttlMs / 100);
}

/** Room for taking every address off before the proof ends. */
const REMOVAL_MS = 250;
/** A kernel lifetime of L seconds is over after at most L + 1. */
const KERNEL_LATENESS_MS = 1000;

/** What a proof is worth: from when its keepalive was SENT, since the lease may have been renewed right then. */
export function provenUntil(sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs - marginMs(ttlMs);
}

/** When the process itself takes every address off, if no proof comes. */
export function fenceAt(session: Session): number {
  return session.provenUntil - REMOVAL_MS;
}

/** How long after a sleep of the machine a proof of before counts: time for a new one, where etcd answers. */
const DOUBT_MS = 250;

export function doubtedUntil(now: number): number {
  return now + DOUBT_MS + REMOVAL_MS;
}

export function isProven(session: Session | null, now: number): session is Session {
  return session !== null && now < fenceAt(session);
}

/** How long it may take from working a lifetime out to the kernel's beginning to count. */
export const BATCH_MS = 300;

/** The longest lifetime, in whole seconds, that the kernel may be given now; below 1 an address must not be added. */
export function lifetimeSeconds(session: Session, now: number): number {
  return Math.max(0, Math.floor((session.provenUntil - now - BATCH_MS - KERNEL_LATENESS_MS) / 1000));
}

/** How long before the worth of a proof drops by a second addresses are renewed: time for a decision and a batch. */
const LAST_CALL_MS = 150;

/**
 * The next moment at which a renewal buys the most: lifetimes are whole seconds, so that one given right after a proof
 * wastes what is left of a second. Infinity when the proof will be worth no lifetime any more.
 */
export function lastCallAt(session: Session, now: number): number {
  const over = session.provenUntil - BATCH_MS - KERNEL_LATENESS_MS - LAST_CALL_MS;
  const lifetime = Math.ceil((over - now) / 1000) - 1;
  return lifetime < 1 ? Infinity : over - lifetime * 1000;
}

/**
 * How often the lease is proven: twice a second at the default TTL, so that of the time that a proof is worth little has
 * gone by when etcd's leader dies.
 */
export function proofPeriodMs(ttlMs: number): number {
  return Math.min(1000, Math.max(500, ttlMs / 12));
}

/** Whether proofs that should have come did not. */
export function isOverdue({ provenUntil, ttlMs }: Session, now: number): boolean {
  const sentAt = provenUntil - ttlMs + marginMs(ttlMs);
  return now - sentAt > 2 * proofPeriodMs(ttlMs);
}

/** Whether a lifetime that the kernel began to count by `now` at the latest could end after the proof. */
export function outlastsProof(session: Session, lifetime: number, now: number): boolean {
  return now + lifetime * 1000 + KERNEL_LATENESS_MS > session.provenUntil;
}
