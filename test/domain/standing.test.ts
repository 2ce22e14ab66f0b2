import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decide } from '../../src/domain/decide.ts';
import { kernelTable } from '../../src/domain/kernel-table.ts';
import { standingOf } from '../../src/domain/standing.ts';
import type { View } from '../../src/domain/view.ts';
import { aView } from '../support/a-view.ts';

const seven = '10.0.0.7';

/** One view, and a later one after which the kernel told that all lifetimes end so many ms later. */
function renewed(byMs: number) {
  const view = aView({ pool: [seven], holders: { [seven]: 'db1' }, kernel: [seven], recorded: [seven] });
  const table = kernelTable(view.kernel);
  const before: View = { ...view, kernel: table.snapshot() };
  decide(before);
  table.apply(
    [...view.kernel.addresses.values()].map((address) => ({
      kind: 'address',
      address: { ...address, expiresAt: address.expiresAt + byMs },
    })),
  );
  return { before, after: { ...before, now: before.now + 10, kernel: table.snapshot() } };
}

/** The same, by an agent that remembers nothing. */
const anew = (view: View) => decide({ ...view, settings: { ...view.settings } });

suite('what is remembered of a view', () => {
  test('stands while nothing changes but lifetimes, time and proofs', () => {
    const { before, after } = renewed(500);
    assert.equal(standingOf(after), standingOf(before));
  });
  test('does not stand when an address goes, ends earlier or never, or when anything else changes', () => {
    const { before, after } = renewed(500);
    for (const byMs of [-500, Infinity]) {
      const other = renewed(byMs);
      assert.notEqual(standingOf(other.after), standingOf(other.before));
    }
    const changes: readonly Partial<View>[] = [
      { stopping: true },
      { rebalance: true },
      { session: null },
      { planned: null },
      { health: { ...after.health } },
      { local: { ...after.local } },
      { kernel: { ...after.kernel, links: new Map() } },
      { kernel: { ...after.kernel, routes: [] } },
      { kernel: { ...after.kernel, addresses: new Map() } },
    ];
    for (const change of changes)
      assert.notEqual(standingOf({ ...after, ...change }), standingOf(before), Object.keys(change).join());
  });
  test('never shows in what is decided, whatever lifetimes and time are', () => {
    for (const byMs of [0, 500, 60_000, -500, -60_000, Infinity]) {
      for (const laterMs of [0, 900, 2000, 9000, 9_700, 10_000, 60_000]) {
        const { after } = renewed(byMs);
        const view = { ...after, now: after.now + laterMs };
        assert.deepEqual(decide(view), anew(view), `${byMs} ms longer, ${laterMs} ms later`);
      }
    }
  });
  test('ends with the proof: the address goes', () => {
    const { after } = renewed(500);
    const [action] = decide({ ...after, now: after.now + 10_000 });
    assert.equal(action?.kind, 'remove');
  });
});
