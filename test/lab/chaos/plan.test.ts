import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultKinds, faultRules } from './fault-kinds.ts';
import { type Fault, type Plan, planOf } from './plan.ts';

const seeds = Array.from({ length: 60 }, (_, index) => index);
const minutes = (seed: number) => planOf({ seed, durationMs: 240_000 });
const plans = seeds.map(minutes);

test('a plan is a pure function of seed and duration', () => {
  assert.deepEqual(minutes(5), minutes(5));
  assert.notDeepEqual(minutes(5).faults, minutes(6).faults);
  assert.deepEqual([...new Set(plans.map(({ nodes }) => nodes.length))].sort(), [3, 4, 5]);
  assert.equal(planOf({ seed: 5, durationMs: 240_000, nodes: 4 }).nodes.length, 4);
});

test('every kind of fault comes, and many overlap', () => {
  for (const plan of plans) {
    const kinds = new Set(plan.faults.map(({ kind }) => kind));
    assert.deepEqual(
      faultKinds.filter((kind) => !kinds.has(kind)),
      [],
      `seed ${plan.seed}`,
    );
    const overlapping = plan.faults.filter((fault) => others(plan, fault, 0).length > 0);
    assert.ok(overlapping.length > 20, `seed ${plan.seed}: ${overlapping.length}`);
  }
});

test('no fault reaches into a calm, and the last calm ends the run', () => {
  for (const plan of plans) {
    for (const { atMs, durationMs } of plan.faults)
      assert.ok(
        plan.calms.every(({ fromMs, toMs }) => atMs + durationMs <= fromMs || atMs >= toMs),
        `${plan.seed}: ${atMs}`,
      );
    assert.equal(plan.calms.at(-1)?.toMs, plan.durationMs);
  }
});

test('a node is always left that could hold addresses', () => {
  for (const plan of plans)
    for (const fault of plan.faults) {
      const now = [fault, ...others(plan, fault, 0)].filter(
        ({ kind, atMs }) => faultRules[kind].unfits && atMs <= fault.atMs,
      );
      assert.ok(new Set(now.flatMap(({ targets }) => targets)).size < plan.nodes.length, `${plan.seed}`);
    }
});

test('a lease is revoked only while nothing else is wrong with its node or with etcd', () => {
  for (const plan of plans)
    for (const fault of plan.faults.filter(({ kind }) => kind === 'lease revoked'))
      for (const { kind, targets, durationMs } of others(plan, fault, 2000)) {
        const { target } = faultRules[kind];
        const isOfEtcd = target === 'member' || target === 'two members' || target === 'etcd';
        const text = `${plan.seed}: ${kind} ${targets}`;
        assert.ok(durationMs === 0 || (!isOfEtcd && !targets.includes(fault.targets[0] ?? '')), text);
      }
});

test('nothing is drawn that nobody can take back: one thing has one fault at a time', () => {
  for (const plan of plans)
    for (const fault of plan.faults)
      for (const other of others(plan, fault, 0))
        if (fault.durationMs > 0 && other.kind === fault.kind)
          assert.notDeepEqual(other.targets, fault.targets, `${plan.seed}: ${fault.kind}`);
});

test('kinds are left out on demand, and a run too short for any storm is refused', () => {
  const plan = planOf({ seed: 1, durationMs: 240_000, without: ['lease revoked'] });
  assert.ok(!plan.faults.some(({ kind }) => kind === 'lease revoked'));
  assert.throws(() => planOf({ seed: 1, durationMs: 20_000 }), /too short/);
});

/** The faults whose time is shared with a fault's, or as near to it as the given time. */
function others(plan: Plan, fault: Fault, nearMs: number): Fault[] {
  return plan.faults.filter(
    (other) =>
      other !== fault &&
      other.atMs <= fault.atMs + fault.durationMs + nearMs &&
      fault.atMs <= other.atMs + other.durationMs + nearMs,
  );
}
