import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decide } from '../../src/domain/decide.ts';
import {
  address,
  aForeignAddress,
  anOwnAddress,
  aSession,
  aView,
  FOREIGN_LEASE,
  GUARD_REVISION,
  inShort,
  LEASES,
  MARK_REVISION,
  steps,
  type ViewParts,
} from '../support/a-view.ts';

const pool = ['10.0.0.7'];
const held = { pool, holders: { '10.0.0.7': 'db1' } };
const heldAndThere: ViewParts = { ...held, kernel: ['10.0.0.7'] };
/** Two addresses, one each: nothing to balance. */
const shared: ViewParts = {
  pool: ['10.0.0.7', '10.0.0.8'],
  holders: { '10.0.0.7': 'db1', '10.0.0.8': 'db2' },
};

function expectSteps(parts: ViewParts, ...expected: readonly string[]): void {
  assert.deepEqual(steps(aView(parts)), expected);
}

function reasons(parts: ViewParts): readonly string[] {
  return decide(aView(parts)).map(({ reason }) => reason);
}

suite('a view in which all is well asks for nothing', () => {
  test('when the pool is empty', () => expectSteps({}));
  test('when what is held is on the interface', () => expectSteps({ ...shared, kernel: ['10.0.0.7'] }));
  test('when another node holds the address', () => expectSteps({ pool, holders: { '10.0.0.7': 'db2' } }));
  test('when nobody can host the address', () => expectSteps({ pool: { '10.0.0.7': { node: 'db9' } } }));
  test('when the node is sick and everything is given back', () =>
    expectSteps({ pool, nodes: ['db2'], health: 'sick', holders: { '10.0.0.7': 'db2' } }));
});

suite('an address is added only', () => {
  test('while it is not withheld: in older data that came back, its mark may be another node’s by now', () => {
    expectSteps({ ...held, withheld: pool });
    expectSteps({ ...heldAndThere, withheld: pool });
  });
  test('with a proven session, the own mark and the own guard', () =>
    expectSteps(held, 'add 10.0.0.7/32@eth0'));
  test('with a session', () => expectSteps({ ...held, session: null }));
  test('before the fence', () => expectSteps({ ...held, provenUntil: 250 }));
  test('with an own mark', () =>
    expectSteps({ ...held, marks: { '10.0.0.7': null } }, 'release 10.0.0.7 (guard)'));
  test('with a mark on the own lease', () =>
    expectSteps({ ...held, marks: { '10.0.0.7': { leaseId: '55' } } }, 'release 10.0.0.7 (guard)'));
  test('with a mark that names this node', () =>
    expectSteps({ ...held, marks: { '10.0.0.7': { holder: 'db2' } } }, 'release 10.0.0.7 (guard and mark)'));
  test('with a guard', () =>
    expectSteps({ ...held, guards: { '10.0.0.7': null } }, 'release 10.0.0.7 (mark)'));
  test('with a guard on the own lease', () =>
    expectSteps({ ...held, guards: { '10.0.0.7': { leaseId: '55' } } }, 'release 10.0.0.7 (mark)'));
  test('while the proof is worth a lifetime of a whole second', () => {
    const soon = { ...held, provenUntil: 2300 };
    expectSteps(soon, 'add 10.0.0.7/32@eth0');
    expectSteps({ ...soon, provenUntil: 2299 });
  });
  test('once etcd was listed', () => assert.deepEqual(steps({ ...aView(held), planned: null }), []));
  test('on the interface and with the prefix length of its pool options', () => {
    const options = { interface: 'eth1', netmask: 24 };
    expectSteps({ ...held, pool: { '10.0.0.7': options } }, 'add 10.0.0.7/24@eth1');
  });
  test('as IPv6 with a host route', () =>
    expectSteps({ pool: ['2001:db8::7'], holders: { '2001:db8::7': 'db1' } }, 'add 2001:db8::7/128@eth0'));
});

suite('every address goes off, and nothing is written, when', () => {
  const both: ViewParts = {
    pool: ['10.0.0.7', '2001:db8::7'],
    holders: { '10.0.0.7': 'db1', '2001:db8::7': 'db1' },
    kernel: ['10.0.0.7', '2001:db8::7'],
    unpublished: true,
  };
  const off = ['remove 10.0.0.7/32@eth0', 'remove 2001:db8::7/128@eth0'];

  test('the proof ends within the time that removing takes', () => {
    const fenced = { ...both, provenUntil: 250, kernel: ['10.0.0.7', '2001:db8::7'] };
    expectSteps(fenced, ...off);
    assert.deepEqual(reasons(fenced), Array(2).fill('the session cannot be proven any more'));
  });
  test('there is no session', () => {
    expectSteps({ ...both, session: null }, ...off);
    assert.deepEqual(reasons({ ...both, session: null }), Array(2).fill('there is no session'));
  });
  test('the session is a new one, and the addresses are of the old one', () =>
    expectSteps(
      { ...both, session: aSession({ leaseId: '105' }), nodes: ['db2'], marks: {}, guards: {} },
      ...off,
      'advertise',
      'publish',
    ));
  test('the process was stopped for so long that the proof is over', () =>
    expectSteps({ ...both, now: 60_000, provenUntil: 10_000 }, ...off));
});

suite('a node that must not serve', () => {
  for (const [state, parts, reason] of [
    ['sick', { health: 'sick' }, 'the database is down'],
    ['drained', { drained: ['db1'] }, 'the node is drained'],
    ['stopping', { stopping: true }, 'yaim is stopping'],
  ] as const) {
    test(`${state}: removes first, and gives nothing back before the kernel has none`, () => {
      expectSteps({ ...heldAndThere, ...parts }, 'remove 10.0.0.7/32@eth0');
      assert.deepEqual(reasons({ ...heldAndThere, ...parts }), [reason]);
    });
    test(`${state}: then gives mark, guard and presence back in one`, () => {
      expectSteps({ ...held, ...parts }, 'release 10.0.0.7 (guard and mark) presence');
      assert.deepEqual(reasons({ ...held, ...parts }), [reason]);
    });
    test(`${state}: withdraws even if it holds nothing`, () => {
      expectSteps(parts, 'release presence');
      assert.deepEqual(reasons(parts), [reason]);
    });
    test(`${state}: claims nothing`, () => {
      expectSteps({ pool, ...parts }, 'release presence');
      expectSteps({ pool, nodes: ['db2'], ...parts });
    });
    test(`${state}: adds nothing that it holds`, () =>
      expectSteps({ ...held, nodes: ['db2'], ...parts }, 'release 10.0.0.7 (guard and mark)'));
    test(`${state}: does not claim what its mark names it for by hand`, () =>
      expectSteps({
        pool,
        nodes: ['db2'],
        marks: { '10.0.0.7': { holder: 'db1', leaseId: '0' } },
        ...parts,
      }));
  }

  test('gives back what is off while others are still on, and keeps its presence until the last one', () => {
    const two = { pool: ['10.0.0.7', '10.0.0.8'], holders: { '10.0.0.7': 'db1', '10.0.0.8': 'db1' } };
    expectSteps(
      { ...two, kernel: ['10.0.0.8'], health: 'sick' },
      'remove 10.0.0.8/32@eth0',
      'release 10.0.0.7 (guard and mark)',
    );
  });
  test("leaves another one's presence under its name alone", () =>
    expectSteps({ health: 'sick', presences: { db1: { leaseId: FOREIGN_LEASE } } }));
  test('says in etcd why it is sick in the transaction that gives everything back, if its session is on its lease', () => {
    const texts = (parts: Parameters<typeof aView>[0]) =>
      decide(aView({ ...held, health: 'sick', ...parts })).map((action) =>
        action.kind === 'release' ? action.text : action.kind,
      );
    assert.match(String(texts({ unpublished: true })), /the database is down/);
    assert.deepEqual(texts({ unpublished: true, sessions: ['db2'] }), [undefined]);
    assert.deepEqual(texts({}), [undefined]);
  });
  test('says in etcd why it is sick, once everything is given back', () =>
    expectSteps({ health: 'sick', nodes: ['db2'], unpublished: true }, 'publish'));
  test('tells nothing before it is rid of everything: that frees addresses for others', () => {
    expectSteps({ ...heldAndThere, health: 'sick', unpublished: true }, 'remove 10.0.0.7/32@eth0');
    expectSteps({ health: 'sick', unpublished: true }, 'release presence');
  });
});

suite('a mark that was touched by hand', () => {
  test('deleted: the address goes off, then the guard is given back', () => {
    const deleted = { ...heldAndThere, marks: { '10.0.0.7': null } };
    expectSteps(deleted, 'remove 10.0.0.7/32@eth0');
    assert.deepEqual(reasons(deleted), ['its mark was deleted by hand']);
    expectSteps({ ...deleted, kernel: [] }, 'release 10.0.0.7 (guard)');
  });
  test('stolen for another node: the same, and the thief claims it only once the guard is gone', () => {
    const stolen = {
      ...heldAndThere,
      marks: { '10.0.0.7': { holder: 'db2', leaseId: '0', modRevision: 50 } },
    };
    expectSteps(stolen, 'remove 10.0.0.7/32@eth0');
    assert.deepEqual(reasons(stolen), ['its mark was changed by hand and names "db2"']);
    expectSteps({ ...stolen, kernel: [] }, 'release 10.0.0.7 (guard)');
    const asDb2 = { settings: { nodename: 'db2' }, session: aSession({ leaseId: LEASES['db2'] ?? '' }) };
    expectSteps({ ...stolen, kernel: [], ...asDb2 });
    expectSteps(
      { ...stolen, kernel: [], ...asDb2, guards: { '10.0.0.7': null } },
      'claim 10.0.0.7 (replacing 50)',
    );
  });
  test('written anew for the same node without a lease: off, guard back, and claimed again', () => {
    const rewritten = { ...heldAndThere, marks: { '10.0.0.7': { leaseId: '0' } } };
    expectSteps(rewritten, 'remove 10.0.0.7/32@eth0');
    expectSteps({ ...rewritten, kernel: [] }, 'release 10.0.0.7 (guard)');
    expectSteps(
      { ...rewritten, kernel: [], guards: { '10.0.0.7': null } },
      `claim 10.0.0.7 (replacing ${MARK_REVISION})`,
    );
  });
  test('changed on the own lease to name another node: off, then both given back', () => {
    const renamed = { ...heldAndThere, marks: { '10.0.0.7': { holder: 'db2' } } };
    expectSteps(renamed, 'remove 10.0.0.7/32@eth0');
    expectSteps({ ...renamed, kernel: [] }, 'release 10.0.0.7 (guard and mark)');
  });
  test('the guard deleted: off, then the mark given back', () => {
    const unguarded = { ...heldAndThere, guards: { '10.0.0.7': null } };
    expectSteps(unguarded, 'remove 10.0.0.7/32@eth0');
    assert.deepEqual(reasons(unguarded), ['its guard is not on the lease of this node']);
    expectSteps({ ...unguarded, kernel: [] }, 'release 10.0.0.7 (mark)');
  });
  test('both deleted: the address goes off before it is claimed anew', () => {
    const bare = {
      ...heldAndThere,
      nodes: ['db1'],
      marks: { '10.0.0.7': null },
      guards: { '10.0.0.7': null },
    };
    assert.equal(steps(aView(bare))[0], 'remove 10.0.0.7/32@eth0');
    assert.deepEqual(reasons(bare)[0], 'this node does not hold its mark');
  });
});

suite('an unheld address', () => {
  test('is claimed by the planned node', () => {
    expectSteps({ pool }, 'claim 10.0.0.7');
    assert.deepEqual(reasons({ pool }), ['nobody holds it; db1 has the fewest addresses (0)']);
  });
  test('is left to the planned node by the others', () =>
    expectSteps({ pool, holders: {}, settings: { nodename: 'db2' }, session: aSession({ leaseId: '102' }) }));
  test('is claimed with the others that are', () =>
    expectSteps({ pool: ['10.0.0.7', '10.0.0.8', '10.0.0.9'] }, 'claim 10.0.0.7 10.0.0.8'));
  test('is claimed by the pool key that the operator wrote', () => {
    const view = aView({ pool });
    const [action] = decide(view);
    assert.ok(action?.kind === 'claim');
    assert.deepEqual(
      action.claims.map(({ poolKey }) => poolKey),
      ['svc/ips/10.0.0.7'],
    );
    assert.equal(action.leaseId, '101');
  });
  test('is not claimed before the first verdict on the database', () =>
    expectSteps({ pool, nodes: ['db1'], health: 'unknown' }));
  test('is not claimed before this node is seen to be present', () =>
    expectSteps({ pool, nodes: [] }, 'advertise'));
  test('is not claimed while the presence is on another lease', () =>
    expectSteps({ pool, nodes: ['db1'], presences: { db1: { leaseId: FOREIGN_LEASE } } }, 'advertise'));
  test('is not claimed without a proven session', () => {
    expectSteps({ pool, session: null });
    expectSteps({ pool, provenUntil: 250 });
  });
  test('is not claimed while a guard says that somebody may still have it', () => {
    const orphaned = { guards: { '10.0.0.7': { holder: 'db9', leaseId: FOREIGN_LEASE } } };
    expectSteps({ pool, ...orphaned });
    // Nor where the guard can name nobody, so that the plan takes the address for free.
    expectSteps({ pool, guards: { '10.0.0.7': { holder: '', leaseId: FOREIGN_LEASE } } });
  });
  test('is not claimed under a mark on another lease, whoever it names: it ends by itself', () => {
    for (const holder of ['db1', 'db2', 'db9', '']) {
      expectSteps({ pool, marks: { '10.0.0.7': { holder, leaseId: FOREIGN_LEASE } } });
    }
  });
  test('is not claimed while it is withheld', () => expectSteps({ pool, withheld: pool }));
  test('is not claimed while this host refuses it', () =>
    expectSteps({ pool, refusals: { '10.0.0.7': 'ip: no' } }));
  test('is not claimed while its interface is down', () => expectSteps({ pool, links: { eth0: false } }));
  test('is not claimed if it is not in the pool any more', () =>
    expectSteps({ marks: { '10.0.0.7': { holder: 'db1', leaseId: FOREIGN_LEASE } } }));
});

suite('a mark without a lease', () => {
  const stray = (holder: string) => ({ '10.0.0.7': { holder, leaseId: '0', modRevision: 50 } });
  const asDb2 = { settings: { nodename: 'db2' }, session: aSession({ leaseId: '102' }) };

  test('is replaced by the node that it names', () => {
    expectSteps({ pool, marks: stray('db1') }, 'claim 10.0.0.7 (replacing 50)');
    assert.deepEqual(reasons({ pool, marks: stray('db1') }), ['its mark names this node, by hand']);
    expectSteps({ pool, marks: stray('db2') });
    expectSteps({ pool, marks: stray('db2'), ...asDb2 }, 'claim 10.0.0.7 (replacing 50)');
  });
  test('is replaced by the planned node if it names no living one', () => {
    expectSteps({ pool, marks: stray('db9') }, 'claim 10.0.0.7 (replacing 50)');
    expectSteps({ pool, marks: stray('db9'), ...asDb2 });
  });
  test('is replaced only after the guard is gone', () => {
    for (const holder of ['db1', 'db2', 'db9']) {
      expectSteps({ pool, marks: stray(holder), guards: { '10.0.0.7': { holder: 'db2', leaseId: '102' } } });
    }
  });
  test('is left to the node that it names even where the plan would have it elsewhere', () => {
    const uneven: ViewParts = {
      pool: ['10.0.0.7', '10.0.0.8'],
      holders: { '10.0.0.7': 'db2' },
      marks: { '10.0.0.8': { holder: 'db2', leaseId: '0', modRevision: 50 } },
    };
    const [move] = aView(uneven).planned?.plan.moves ?? [];
    assert.deepEqual([move?.address, move?.to], ['10.0.0.8', 'db1']);
    for (const rebalance of [false, true]) {
      expectSteps({ ...uneven, rebalance });
      expectSteps({ ...uneven, rebalance, ...asDb2, kernel: ['10.0.0.7'] }, 'claim 10.0.0.8 (replacing 50)');
    }
  });
  test('gives the address to nobody who must not have it', () => {
    expectSteps({ pool: { '10.0.0.7': { node: 'db2' } }, marks: stray('db1') });
    expectSteps(
      { pool: { '10.0.0.7': { node: 'db2' } }, marks: stray('db1'), ...asDb2 },
      'claim 10.0.0.7 (replacing 50)',
    );
    // It is on db2 already, not put there by yaim: a second holder would be one too many.
    expectSteps({ pool, marks: stray('db1'), occupied: { db2: pool } });
  });
  test('of an address that is in the pool no more is deleted, by the node that it names', () => {
    expectSteps({ marks: stray('db1') }, 'tidy 10.0.0.7');
    expectSteps({ marks: stray('db2') });
    expectSteps({ marks: stray('db2'), ...asDb2 }, 'tidy 10.0.0.7');
  });
  test('that names no living node and is in the pool no more is deleted by the first node', () => {
    expectSteps({ marks: stray('db9') }, 'tidy 10.0.0.7');
    expectSteps({ marks: stray('db9'), nodes: ['db2', 'db1'] }, 'tidy 10.0.0.7');
    expectSteps({ marks: stray('db9'), ...asDb2 });
  });
  test('is not deleted as long as the pool lists it, or a guard is left', () => {
    expectSteps({ pool: { '10.0.0.7': { node: 'db9' } }, marks: stray('db1') });
    expectSteps({ marks: stray('db1'), guards: { '10.0.0.7': { holder: 'db2', leaseId: '102' } } });
  });
  test('a mark on a lease is never deleted: it ends by itself', () =>
    expectSteps({ marks: { '10.0.0.7': { holder: 'db1', leaseId: FOREIGN_LEASE } } }));
});

suite('a guard without a lease', () => {
  const stray = (holder: string): ViewParts => ({
    pool,
    guards: { '10.0.0.7': { holder, leaseId: '0', modRevision: 50 } },
    late: true,
  });
  const asDb2: ViewParts = { settings: { nodename: 'db2' }, session: aSession({ leaseId: '102' }) };

  test('is deleted once it has stood for a ttl, by the node that it names', () => {
    expectSteps({ ...stray('db1'), late: false });
    expectSteps(stray('db1'), 'tidy 10.0.0.7');
    expectSteps({ ...stray('db1'), ...asDb2 });
    expectSteps(stray('db2'));
    expectSteps({ ...stray('db2'), ...asDb2 }, 'tidy 10.0.0.7');
    assert.deepEqual(reasons(stray('db1')), ['no lease ends the guard of 10.0.0.7']);
  });
  test('is deleted by the first node, if the one that it names does not run', () => {
    expectSteps(stray('db9'), 'tidy 10.0.0.7');
    expectSteps({ ...stray('db9'), ...asDb2 });
    // Copied from another etcd: so is the session.
    const copied = aView({ ...stray('db9'), sessions: ['db1', 'db9'] });
    assert.equal(copied.planned?.cluster.sessions.get('db9')?.leaseId, '0');
    assert.deepEqual(steps(copied), ['tidy 10.0.0.7']);
  });
  test('is deleted also where the pool has the address no more', () =>
    expectSteps({ ...stray('db1'), pool: [] }, 'tidy 10.0.0.7'));
  test('is left while the node that it names has the address, or gives it back', () => {
    const overwritten: ViewParts = { ...held, guards: { '10.0.0.7': { leaseId: '0' } }, late: true };
    expectSteps({ ...overwritten, kernel: ['10.0.0.7'] }, 'remove 10.0.0.7/32@eth0');
    expectSteps(overwritten, 'release 10.0.0.7 (mark)');
    expectSteps({ ...stray('db1'), kernel: ['10.0.0.7'] }, 'remove 10.0.0.7/32@eth0');
  });
  test('is left while a mark on a lease says that somebody has not let the address go', () =>
    expectSteps({ ...stray('db1'), marks: { '10.0.0.7': { holder: 'db2', leaseId: '102' } } }));
});

suite('an address on an interface that is not there any more', () => {
  const renamed: ViewParts = {
    ...held,
    pool: { '10.0.0.7': { interface: 'lan0' } },
    links: { lan0: true },
    recorded: ['10.0.0.7/32@gone0'],
  };
  test('is looked for under every other name, whatever its label', () => {
    const kept = anOwnAddress({ interface: 'lan0', label: 'gone0:yaim' });
    expectSteps({ ...renamed, kernel: [kept] });
    expectSteps({ ...renamed, kernel: [kept], session: null }, 'remove 10.0.0.7/32@lan0');
  });
  test('went with it, if it is under none: it is neither removed nor waited for', () => {
    expectSteps(renamed, 'add 10.0.0.7/32@lan0');
    expectSteps({ ...renamed, health: 'sick' }, 'release 10.0.0.7 (guard and mark) presence');
  });
});

suite('an address that left the pool', () => {
  test('goes off, then mark and guard are given back', () => {
    expectSteps({ ...heldAndThere, pool: [] }, 'remove 10.0.0.7/32@eth0');
    assert.deepEqual(reasons({ ...heldAndThere, pool: [] }), ['it is not in the pool']);
    expectSteps({ ...held, pool: [] }, 'release 10.0.0.7 (guard and mark)');
  });
  test('takes nothing else with it', () =>
    expectSteps({ ...shared, pool: ['10.0.0.8'], kernel: [] }, 'release 10.0.0.7 (guard and mark)'));
});

suite('a release', () => {
  test('names the revisions that it saw, so that it does nothing to a later claim', () => {
    const [action] = decide(aView({ ...held, pool: [] }));
    assert.ok(action?.kind === 'release');
    assert.deepEqual(action.releases, [
      {
        address: '10.0.0.7',
        guardRevision: GUARD_REVISION,
        markRevision: MARK_REVISION,
        reason: 'it is not in the pool',
      },
    ]);
  });
  test('that was sent and not answered is followed through: the address is not added again', () => {
    const sent = { ...held, releasing: { '10.0.0.7': GUARD_REVISION } };
    expectSteps(sent, 'release 10.0.0.7 (guard and mark)');
    assert.deepEqual(reasons(sent), ['its release was sent']);
    expectSteps({ ...sent, kernel: ['10.0.0.7'] }, 'remove 10.0.0.7/32@eth0');
  });
  test('of an earlier claim says nothing about a new one', () =>
    expectSteps({ ...held, releasing: { '10.0.0.7': GUARD_REVISION - 5 } }, 'add 10.0.0.7/32@eth0'));
  test('waits for every interface that has the address', () =>
    expectSteps(
      { ...held, pool: [], kernel: [anOwnAddress({ interface: 'eth1' })] },
      'remove 10.0.0.7/32@eth1',
    ));
  test('waits for an address that `ip` was told to add and that the kernel has not shown yet', () => {
    const underWay = { ...held, pool: [], recorded: ['10.0.0.7/32@eth0'] };
    expectSteps(underWay, 'remove 10.0.0.7/32@eth0');
    expectSteps({ ...underWay, recorded: [] }, 'release 10.0.0.7 (guard and mark)');
  });
  test('does not wait for other addresses that are under way', () =>
    expectSteps(
      { ...shared, kernel: [], pool: ['10.0.0.8'], recorded: ['10.0.0.9/32@eth0'] },
      'remove 10.0.0.9/32@eth0',
      'release 10.0.0.7 (guard and mark)',
    ));
  test('does not wait for an address that is an operator’s own', () =>
    expectSteps(
      { ...held, pool: [], kernel: [aForeignAddress('10.0.0.7')], recorded: ['10.0.0.7/32@eth0'] },
      'release 10.0.0.7 (guard and mark)',
    ));
  test('of the presence waits for what is under way', () =>
    expectSteps({ health: 'sick', recorded: ['10.0.0.7/32@eth0'] }, 'remove 10.0.0.7/32@eth0'));
  test('does not wait for what cannot be read in the record', () =>
    expectSteps(
      { ...held, pool: [], recorded: ['', 'eth0', '10.0.0.7/32', '10.0.0.7@eth0', '10.0.0.300/32@eth0'] },
      'release 10.0.0.7 (guard and mark)',
    ));
});

suite('what this host cannot take', () => {
  test('is given back at once, without being tried again', () => {
    const refused = { ...held, refusals: { '10.0.0.7': 'ip: Operation not permitted' } };
    expectSteps(refused, 'release 10.0.0.7 (guard and mark)');
    assert.deepEqual(reasons(refused), ['ip: Operation not permitted']);
  });
  test('is told to the others', () => {
    const view = aView({ pool, refusals: { '10.0.0.7': 'ip: no' }, unpublished: true });
    const [action] = decide(view);
    assert.ok(action?.kind === 'advertise');
    assert.match(action.text, /"refuses":\{"10.0.0.7":"ip: no"\}/);
  });
  test('an interface that goes down: off, then given back', () => {
    const down = { ...heldAndThere, links: { eth0: false } };
    expectSteps(down, 'remove 10.0.0.7/32@eth0');
    assert.deepEqual(reasons(down), ['interface eth0 is down']);
    expectSteps({ ...down, kernel: [] }, 'release 10.0.0.7 (guard and mark)');
  });
  test('no route and no interface set: never claimed', () =>
    expectSteps({ pool, settings: { interface: null } }));
});

suite('a changed placement', () => {
  const moved: ViewParts = { ...held, pool: { '10.0.0.7': { interface: 'eth1' } }, kernel: ['10.0.0.7'] };
  test('removes before it adds, and the mark stays', () =>
    expectSteps(moved, 'remove 10.0.0.7/32@eth0', 'add 10.0.0.7/32@eth1'));
  test('says where the address belongs', () => assert.equal(reasons(moved)[0], 'it belongs on eth1/32'));
  test('of the prefix length alone is one', () =>
    expectSteps(
      { ...moved, pool: { '10.0.0.7': { netmask: 24 } } },
      'remove 10.0.0.7/32@eth0',
      'add 10.0.0.7/24@eth0',
    ));
  test('removes also what the kernel has not shown yet', () =>
    expectSteps(
      { ...moved, kernel: [], recorded: ['10.0.0.7/32@eth0'] },
      'remove 10.0.0.7/32@eth0',
      'add 10.0.0.7/32@eth1',
    ));
  test('is none while the kernel only has not shown it yet', () =>
    expectSteps({ ...held, recorded: ['10.0.0.7/32@eth0'] }, 'add 10.0.0.7/32@eth0'));
  test('leaves one of several places', () =>
    expectSteps(
      { ...held, kernel: ['10.0.0.7', anOwnAddress({ interface: 'eth1' })] },
      'remove 10.0.0.7/32@eth1',
    ));
});

suite('a renewal is due', () => {
  const expiring = (expiresAt: number, provenUntil = 10_000): ViewParts => ({
    ...held,
    provenUntil,
    kernel: [anOwnAddress({ expiresAt })],
  });
  const renewal = 'renew 10.0.0.7/32@eth0';
  test('when it wins nearly a second', () => {
    expectSteps(expiring(7150), renewal);
    expectSteps(expiring(7151));
    assert.deepEqual(reasons(expiring(7150)), ['the session was proven anew']);
  });
  test('when it wins a quarter of a lifetime shorter than that', () => {
    expectSteps(expiring(750, 2300), renewal);
    expectSteps(expiring(751, 2300));
  });
  test('when it wins a quarter of a second while the next proof is overdue', () => {
    const overdue = (expiresAt: number): ViewParts => ({
      ...expiring(expiresAt),
      session: aSession({ ttlMs: 6000, provenUntil: 4700 }),
    });
    expectSteps(overdue(2750), renewal);
    expectSteps(overdue(2751));
    assert.deepEqual(reasons(overdue(2750)), ['the next proof is overdue']);
  });
  test('names the lifetime that it wins', () => {
    const [action] = decide(aView(expiring(1000)));
    assert.ok(action?.kind === 'renew');
    assert.equal(action.seconds, 8);
  });
  test('not when the proof is not worth a lifetime any more', () => expectSteps(expiring(100, 2299)));
  test('when the lifetime outlasts the proof, whoever made it so long', () => {
    expectSteps(expiring(10_001), renewal);
    expectSteps(expiring(9999));
    assert.deepEqual(reasons(expiring(10_001)), ['its lifetime outlasts the proof']);
  });
  test('not for a lifetime that is too long while the proof is worth none', () =>
    expectSteps(expiring(9000, 2299)));
  test('only for what is kept', () =>
    expectSteps({ ...expiring(1000), health: 'sick' }, 'remove 10.0.0.7/32@eth0'));
});

suite('an imbalance', () => {
  const uneven: ViewParts = {
    pool: ['10.0.0.7', '10.0.0.8'],
    holders: { '10.0.0.7': 'db1', '10.0.0.8': 'db1' },
    kernel: ['10.0.0.7', '10.0.0.8'],
  };
  test('moves nothing before it has stood long enough', () => expectSteps(uneven));
  test('moves as much as needed once it has', () => {
    expectSteps({ ...uneven, rebalance: true }, 'remove 10.0.0.8/32@eth0');
    expectSteps({ ...uneven, rebalance: true, kernel: ['10.0.0.7'] }, 'release 10.0.0.8 (guard and mark)');
    assert.deepEqual(reasons({ ...uneven, rebalance: true }), ['db1 has 2 addresses and db2 only 0']);
  });
  test('never delays giving up what must not be here', () =>
    expectSteps(
      { ...uneven, pool: { '10.0.0.7': {}, '10.0.0.8': { node: 'db2' } } },
      'remove 10.0.0.8/32@eth0',
    ));
  test('is no reason to claim what another node still holds', () =>
    expectSteps({
      ...uneven,
      kernel: [],
      rebalance: true,
      settings: { nodename: 'db2' },
      session: aSession({ leaseId: '102' }),
    }));
});

suite('the presence', () => {
  test('of a healthy node is written', () => expectSteps({ nodes: [] }, 'advertise'));
  test('that was deleted by hand is written again, and no address moves', () =>
    expectSteps({ ...heldAndThere, nodes: ['db2'] }, 'advertise'));
  test('that was changed by hand is written again, and no address moves', () =>
    expectSteps({ ...heldAndThere, unpublished: true }, 'advertise', 'publish'));
  test('on another lease is written again', () =>
    expectSteps({ presences: { db1: { leaseId: FOREIGN_LEASE } } }, 'advertise'));
  test('is not written before the first verdict', () => expectSteps({ nodes: [], health: 'unknown' }));
  test('of the run before stays until the first verdict', () =>
    expectSteps({ ...heldAndThere, health: 'unknown' }));
  test('is not held up by claims, nor claims by it', () =>
    expectSteps({ pool, unpublished: true }, 'advertise', 'claim 10.0.0.7', 'publish'));
});

suite('a restarted node', () => {
  test('does nothing while it is open whether the lease of before still lives', () => {
    const adopting = { session: 'adopting' as const, unpublished: true };
    expectSteps({ ...heldAndThere, ...adopting });
    expectSteps({ ...heldAndThere, ...adopting, holders: {}, health: 'sick' });
    expectSteps({ ...held, ...adopting });
  });
  test('keeps what it adopted before the first verdict, and renews it', () => {
    expectSteps({ ...heldAndThere, health: 'unknown' });
    expectSteps(
      { ...held, kernel: [anOwnAddress({ expiresAt: 3000 })], health: 'unknown' },
      'renew 10.0.0.7/32@eth0',
    );
  });
  test('puts back what it adopted and the kernel let go, before the first verdict', () =>
    expectSteps({ ...held, health: 'unknown' }, 'add 10.0.0.7/32@eth0'));
  test('removes what it finds and does not hold', () => {
    expectSteps({ kernel: ['10.0.0.9'] }, 'remove 10.0.0.9/32@eth0');
    expectSteps({ pool, holders: { '10.0.0.7': 'db2' }, kernel: ['10.0.0.7'] }, 'remove 10.0.0.7/32@eth0');
    assert.deepEqual(reasons({ kernel: ['10.0.0.9'] }), ['it is not in the pool']);
  });
  test('knows its IPv6 addresses by its record', () => {
    const found = anOwnAddress({ address: address('2001:db8::9') });
    expectSteps({ kernel: [found] }, 'remove 2001:db8::9/128@eth0');
    const view = aView({ kernel: [found], recorded: [] });
    assert.deepEqual(steps(view), []);
  });
});

suite('an address that is not yaim’s', () => {
  for (const [what, entry] of [
    ['is permanent', aForeignAddress('10.0.0.7')],
    ['is permanent, under our label', aForeignAddress('10.0.0.7', { label: 'eth0:yaim' })],
    [
      'has a lifetime, but another label',
      aForeignAddress('10.0.0.7', { label: 'eth0:dhcp', expiresAt: 5000 }),
    ],
    ['has the label of another interface', anOwnAddress({ label: 'eth1:yaim' })],
    ['is IPv6 with a lifetime, and was not recorded', aForeignAddress('2001:db8::7', { expiresAt: 5000 })],
  ] as const) {
    const where: ViewParts = {
      kernel: [entry],
      recorded: [],
      pool: [entry.address],
      nodes: ['db1'],
      occupied: { db1: [entry.address] },
    };
    test(`is not touched: it ${what}`, () => {
      for (const parts of [{}, { session: null }, { stopping: true }, { health: 'sick' }] as const) {
        const kinds = decide(aView({ ...where, ...parts })).map(({ kind }) => kind);
        assert.ok(!kinds.some((kind) => ['add', 'remove', 'renew', 'claim'].includes(kind)), kinds.join());
      }
    });
  }
  test('is told to the others, who take it from the pool for as long', () => {
    const view = aView({ kernel: [aForeignAddress('10.0.0.7')], unpublished: true });
    const published = decide(view).find(({ kind }) => kind === 'publish');
    assert.ok(published?.kind === 'publish');
    assert.match(published.text, /"occupied":\["10.0.0.7"\]/);
    expectSteps({ pool, occupied: { db2: pool } });
  });
});

test('every action says why', () => {
  const views = [
    aView({ ...heldAndThere, health: 'sick' }),
    aView({ ...held, unpublished: true }),
    aView({ pool, unpublished: true }),
    aView({ marks: { '10.0.0.7': { holder: 'db1', leaseId: '0' } } }),
    aView({ ...held, kernel: [anOwnAddress({ expiresAt: 1000 })] }),
    aView({ stopping: true }),
  ];
  for (const action of views.flatMap(decide)) assert.notEqual(action.reason, '', inShort(action));
});
