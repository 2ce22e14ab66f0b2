import assert from 'node:assert/strict';
import type { Lab } from './lab.ts';

/** A safety net: what is waited for comes within milliseconds, or with the end of a lease, on any machine. */
const PATIENCE_MS = 30_000;

/** Resolves when exactly one host has the address. */
export async function untilHeld(lab: Lab, address: string): Promise<void> {
  await lab.judge.until((judge) => judge.holders(address).length === 1, {
    timeoutMs: PATIENCE_MS,
    what: `${address} on one host`,
  });
}

export async function untilGone(lab: Lab, address: string): Promise<void> {
  await lab.judge.until((judge) => judge.holders(address).length === 0, {
    timeoutMs: PATIENCE_MS,
    what: `${address} on no host`,
  });
}

/** The one host that has the address now. */
export async function holderOf(lab: Lab, address: string): Promise<string> {
  await lab.judge.catchUp();
  const holders = lab.judge.holders(address);
  assert.equal(holders.length, 1, `${address} is on ${holders.join(', ') || 'no host'}`);
  return holders[0] ?? '';
}

/** Whether the first host has the first number of addresses, and the others the other numbers in any order. */
export function counted(
  lab: Lab,
  [first = '', ...others]: readonly string[],
  [count, ...rest]: readonly number[],
): boolean {
  const counts = lab.judge.counts();
  const sorted = (numbers: readonly number[]): string => [...numbers].sort((a, b) => a - b).join();
  return (counts[first] ?? 0) === count && sorted(others.map((name) => counts[name] ?? 0)) === sorted(rest);
}

/** Every address that lay on a host lies there now, and nothing happened to any address in between. */
export async function assertNothingMoved(lab: Lab, from: number): Promise<void> {
  await lab.judge.catchUp();
  assert.deepEqual(lab.judge.changes.slice(from), []);
}

/** Nothing of the node is left below `service`. */
export async function assertNothingLeft(lab: Lab, node: string): Promise<void> {
  const entries = await lab.etcd.getPrefix(`${lab.service}/`);
  const left = entries.filter(
    ({ key, value }) =>
      key.endsWith(`/nodes/${node}`) ||
      key.endsWith(`/sessions/${node}`) ||
      (key.endsWith('/marked') && value === node) ||
      (key.includes('/guards/') && value.includes(`"${node}"`)),
  );
  assert.deepEqual(left, []);
}
