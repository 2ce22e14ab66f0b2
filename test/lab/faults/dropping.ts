import assert from 'node:assert/strict';
import type { Lab } from '../support/lab.ts';
import type { Renewals } from './renewals.ts';

/** The part of the TTL that the agents leave unused, ms: no lease ends within it. */
const MARGIN_MS = 250;

/**
 * Resolves when no host has an address any more; fails if one had one for so long that its lease could have ended. A
 * lifetime is given after a proof, whose keepalive was sent earlier still: from then on the lease lives for the TTL.
 */
export async function untilDroppedInTime(lab: Lab, renewals: Renewals, ttlMs: number): Promise<void> {
  const from = lab.judge.changes.length;
  await lab.judge.until((judge) => lab.hosts.every(({ name }) => judge.addressesOf(name).length === 0), {
    // A safety net: whether it was in time is told by the kernels' clocks.
    timeoutMs: ttlMs + 30_000,
    what: 'no address on any host',
  });
  for (const { host, address, atMs } of lab.judge.changes.slice(from)) {
    const heldMs = atMs - renewals.lastMs(host, address);
    assert.ok(heldMs < ttlMs - MARGIN_MS, `${host} had ${address} for ${heldMs} ms after its last renewal`);
  }
}
