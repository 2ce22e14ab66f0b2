import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { holdingsOf, whyNotServing } from '../../src/domain/holdings.ts';
import { address, aForeignAddress, aSession, aView, type ViewParts } from '../support/a-view.ts';

const seven = address('10.0.0.7');
const held: ViewParts = { pool: [seven], holders: { [seven]: 'db1' } };

function holding(parts: ViewParts) {
  return holdingsOf(aView(parts)).get(seven);
}

function whyReleased(parts: ViewParts): string | undefined {
  const found = holding(parts);
  assert.equal(found?.kind, 'release');
  return found?.kind === 'release' ? found.release.reason : undefined;
}

suite('an address that is held', () => {
  test('is kept where it belongs', () => {
    const options = { interface: 'eth1', netmask: 24 };
    assert.deepEqual(holding({ ...held, pool: { [seven]: options } }), {
      kind: 'keep',
      placement: { interface: 'eth1', prefixLength: 24 },
    });
  });
  test('is kept whether or not it is on the interface', () =>
    assert.equal(holding({ ...held, kernel: [seven] })?.kind, 'keep'));
  test('is kept while the plan does not see this node', () =>
    assert.equal(holding({ ...held, nodes: ['db2'] })?.kind, 'keep'));
  test('is kept while the presence of this node is on another lease', () =>
    assert.equal(holding({ ...held, presences: { db1: { leaseId: '999' } } })?.kind, 'keep'));
  test('is given up because the node must not serve, whatever else is wrong', () => {
    const wrong: ViewParts = { ...held, pool: [], marks: { [seven]: { holder: 'db2' } } };
    assert.equal(whyReleased({ ...wrong, health: 'sick' }), 'the database is down');
    assert.equal(whyReleased(wrong), 'it is not in the pool');
  });
  test('is given up because somebody put it where it belongs, or made it permanent', () => {
    const theirs = aForeignAddress('10.0.0.7', { prefixLength: 32 });
    for (const recorded of [[], ['10.0.0.7/32@eth0']])
      assert.equal(whyReleased({ ...held, kernel: [theirs], recorded }), 'it is on eth0, not from yaim');
  });
  test('is given up because it is planned elsewhere', () => {
    const pinned = { ...held, pool: { [seven]: { node: 'db2' } } };
    assert.match(whyReleased(pinned) ?? '', /^db1 is not db2, .*; pinned to db2 by its pool options$/);
  });
  test('is given up because it is on another node already, not put there by yaim', () =>
    assert.match(
      whyReleased({ ...held, occupied: { db2: [seven] } }) ?? '',
      /is on db2 already, not put there by yaim/,
    ));
});

suite('who is given an address that this node gives up', () => {
  const takerOf = (parts: ViewParts) => {
    const found = holding({ ...held, ...parts });
    assert.equal(found?.kind, 'release');
    return found?.kind === 'release' ? found.release.to : undefined;
  };
  const db2 = { node: 'db2', leaseId: '102' };

  test('is whom the plan names', () =>
    assert.deepEqual(takerOf({ pool: { [seven]: { node: 'db2' } } }), db2));
  test('is whom the others would choose without a node that must not serve', () => {
    const three = ['db1', 'db2', 'db3'];
    const more = { pool: [seven, address('10.0.0.8')], nodes: three };
    const holders = { [seven]: 'db1', '10.0.0.8': 'db2' };
    for (const why of [{ health: 'sick' }, { stopping: true }, { drained: ['db1'] }] as const) {
      assert.deepEqual(takerOf(why), db2);
      assert.deepEqual(takerOf({ ...more, holders, ...why }), { node: 'db3', leaseId: '103' });
    }
  });
  test('is nobody where nobody else can have it', () => {
    assert.equal(takerOf({ health: 'sick', nodes: ['db1'] }), undefined);
    assert.equal(takerOf({ health: 'sick', pool: { [seven]: { node: 'db1' } } }), undefined);
    assert.equal(
      takerOf({ health: 'sick', presences: { db2: { refuses: new Map([[seven, 'no']]) } } }),
      undefined,
    );
  });
  test('is nobody whose agent has left everything to its next run', () => {
    const view = aView({ ...held, health: 'sick' });
    const { cluster } = view.planned ?? assert.fail();
    const sessions = new Map(
      [...cluster.sessions].map(([name, one]) => [name, { ...one, away: true as const }]),
    );
    const planned = view.planned && { ...view.planned, cluster: { ...cluster, sessions } };
    const found = holdingsOf({ ...view, planned }).get(seven);
    assert.ok(found?.kind === 'release' && found.release.to === undefined);
  });
  test('is nobody where its keys were changed by hand, or it left the pool', () => {
    assert.equal(takerOf({ health: 'sick', marks: { [seven]: null } }), undefined);
    assert.equal(takerOf({ health: 'sick', guards: { [seven]: { leaseId: '55' } } }), undefined);
    assert.equal(takerOf({ health: 'sick', pool: [] }), undefined);
  });
});

suite('nothing concerns this node', () => {
  for (const [when, view] of [
    ['before etcd was listed', { ...aView(held), planned: null }],
    ['without a session', aView({ ...held, session: null })],
    ['while it is open whether the session lives', aView({ ...held, session: 'adopting' })],
    ['from the fence on', aView({ ...held, provenUntil: 250 })],
  ] as const) {
    test(when, () => assert.equal(holdingsOf(view).size, 0));
  }
  test('that is on another lease, even under its name', () => {
    const parts = { ...held, session: aSession({ leaseId: '105' }) };
    assert.equal(holdingsOf(aView(parts)).size, 0);
  });
});

test('a node that must not serve claims nothing, though it is planned to', () => {
  assert.equal(holding({ pool: [seven], nodes: ['db1'] })?.kind, 'claim');
  const planned = aView({ pool: [seven], nodes: ['db1'] });
  assert.equal(holdingsOf({ ...planned, stopping: true }).size, 0);
});

suite('a node serves', () => {
  test('while nothing speaks against it', () => assert.equal(whyNotServing(aView()), undefined));
  test('before the first verdict, what it has', () =>
    assert.equal(whyNotServing(aView({ health: 'unknown' })), undefined));
  test('not while it is stopping, drained or sick, in this order of reasons', () => {
    const sick: ViewParts = { health: 'sick' };
    assert.equal(whyNotServing(aView(sick)), 'the database is down');
    assert.equal(whyNotServing(aView({ ...sick, drained: ['db1'] })), 'the node is drained');
    assert.equal(whyNotServing(aView({ ...sick, drained: ['db1'], stopping: true })), 'yaim is stopping');
  });
  test('while another one is drained', () =>
    assert.equal(whyNotServing(aView({ drained: ['db2'] })), undefined));
});
