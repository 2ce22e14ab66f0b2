import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { wantedPresence, wantedSession, whyAdvertise } from '../../src/domain/announcement.ts';
import { parsePresence, parseSession } from '../../src/domain/values.ts';
import type { View } from '../../src/domain/view.ts';
import { address, aForeignAddress, anOwnAddress, aView, type ViewParts } from '../support/a-view.ts';

function presence(parts: ViewParts) {
  const text = wantedPresence(aView(parts));
  return text === null ? null : parsePresence(text);
}

function session(parts: ViewParts) {
  const view = aView(parts);
  return parseSession(wantedSession(view));
}

suite('the presence that a node wants', () => {
  test('names this run, so that two machines with one name are told apart', () =>
    assert.equal(presence({})?.instance, 'run-1'));
  test('has the weight that the operator set', () =>
    assert.equal(presence({ settings: { weight: 3 } })?.weight, 3));
  test('has the role that the database has, if that is known', () => {
    const view = aView();
    const roleOf = (health: View['health']) => parsePresence(wantedPresence({ ...view, health }) ?? '').role;
    assert.equal(roleOf({ ...view.health, role: 'standby' }), 'standby');
    assert.equal(roleOf(view.health), null);
  });
  test('tells what this host cannot take, and why', () => {
    const refuses = presence({
      pool: { '10.0.0.7': { interface: 'eth9' }, '10.0.0.8': {}, '10.0.0.9': { interface: 'eth1' } },
      links: { eth1: false },
      refusals: { '10.0.0.8': 'ip: Operation not permitted', '10.0.0.10': 'it is not in the pool' },
    })?.refuses;
    assert.deepEqual(
      [...(refuses ?? [])],
      [
        ['10.0.0.7', 'there is no interface eth9'],
        ['10.0.0.8', 'ip: Operation not permitted'],
        ['10.0.0.9', 'interface eth1 is down'],
      ],
    );
  });
  for (const [when, parts] of [
    ['it is sick', { health: 'sick' }],
    ['it is drained', { drained: ['db1'] }],
    ['it is stopping', { stopping: true }],
    ['it has no session', { session: null }],
    ['it is open whether its session lives', { session: 'adopting' }],
    ['there is no verdict and none of before', { health: 'unknown', nodes: ['db2'] }],
    [
      'there is no verdict, and the presence is another one’s',
      { health: 'unknown', presences: { db1: { leaseId: '999' } } },
    ],
  ] as const) {
    test(`is none when ${when}`, () => assert.equal(presence(parts), null));
  }
  test('is none before etcd was listed', () =>
    assert.equal(wantedPresence({ ...aView(), planned: null }), null));
  test('is the one of the run before, as it is, until the first verdict', () => {
    const parts: ViewParts = { health: 'unknown', presences: { db1: { text: 'as it was' } } };
    assert.equal(wantedPresence(aView(parts)), 'as it was');
  });
});

suite('a presence that is written anew says what is new', () => {
  const text = (parts: ViewParts): string => wantedPresence(aView(parts)) ?? '';
  const before = text({});
  const why = (parts: ViewParts, was = before, leaseId = '101') =>
    whyAdvertise({ name: 'db1', leaseId, text: was, ...parsePresence(was) }, text(parts), '101');
  const pool = ['10.0.0.7', '10.0.0.8', '10.0.0.9'];
  const refusing = { pool, refusals: { '10.0.0.7': 'ip: no', '10.0.0.8': 'ip: no' } };

  test('the first time it is the verdict', () =>
    assert.equal(whyAdvertise(undefined, before, '101'), 'the database is healthy'));
  test('another weight', () => assert.equal(why({ settings: { weight: 3 } }), 'its weight is 3, it was 1'));
  test('what the host cannot take any more, and what it can take again', () => {
    assert.equal(why(refusing), 'it cannot host 10.0.0.7: ip: no (and 1 more)');
    assert.equal(
      why({ pool, refusals: { '10.0.0.7': 'ip: never' } }, text(refusing)),
      'it cannot host 10.0.0.7: ip: never; it can host 10.0.0.8 again',
    );
  });
  test('another lease, another run, or somebody’s hand', () => {
    assert.equal(why({}, before, '999'), 'its presence was on another lease');
    assert.equal(why({}, '{"instance":"run-0"}'), 'its presence was written by another run');
    assert.equal(why({}, `${before} `), 'its presence was changed by hand');
  });
});

suite('the session that a node wants', () => {
  test('tells how the node is', () => {
    assert.equal(session({}).health, 'healthy');
    assert.equal(session({ health: 'unknown' }).health, 'unknown');
    assert.equal(session({ health: 'sick' }).health, 'the database is down');
    assert.equal(session({}).instance, 'run-1');
  });
  test('tells which addresses are on this host without yaim, once each, in order', () => {
    const foreign = ['2001:db8::7', '10.0.0.10', '10.0.0.9'].map((text) => aForeignAddress(text));
    const twice = aForeignAddress('10.0.0.9', { interface: 'eth1', label: 'eth1' });
    assert.deepEqual(session({ kernel: [...foreign, twice] }).occupied, [
      '10.0.0.9',
      '10.0.0.10',
      '2001:db8::7',
    ]);
  });
  test('tells nothing of yaim’s own', () =>
    assert.deepEqual(
      session({ kernel: ['10.0.0.7', anOwnAddress({ address: address('2001:db8::7') })] }).occupied,
      [],
    ));
  test('tells of an address that is there twice, once not by yaim', () =>
    assert.deepEqual(
      session({ kernel: ['10.0.0.7', aForeignAddress('10.0.0.7', { prefixLength: 24 })] }).occupied,
      ['10.0.0.7'],
    ));
  test('tells nothing of addresses by which no client comes', () =>
    assert.deepEqual(
      session({ kernel: ['127.0.0.1', 'fe80::1', '::1'].map((text) => aForeignAddress(text)) }).occupied,
      [],
    ));
  test('tells of an address of the pool that DHCP gave this host, and not of ours on its way out', () => {
    const ending = (expiresAt: number) => ({
      pool: ['10.0.0.7'],
      kernel: [aForeignAddress('10.0.0.7', { prefixLength: 24, expiresAt })],
      provenUntil: 10_000,
    });
    assert.deepEqual(session(ending(3_600_000)).occupied, ['10.0.0.7']);
    assert.deepEqual(session(ending(10_001)).occupied, ['10.0.0.7']);
    assert.deepEqual(session(ending(10_000)).occupied, []);
  });
  test('tells of every one in the pool, however many others there are', () => {
    const kernel = Array.from({ length: 300 }, (_, index) =>
      aForeignAddress(`10.1.${index >> 8}.${index & 255}`),
    );
    const { occupied } = session({ pool: ['10.1.1.40'], kernel });
    assert.deepEqual([occupied.length, occupied.at(-1)], [257, '10.1.1.40']);
  });
  test('is bounded', () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      aForeignAddress(`10.1.${index >> 8}.${index & 255}`),
    );
    const { occupied } = session({ kernel: many });
    assert.deepEqual([occupied.length, occupied[0]], [256, '10.1.0.0']);
  });
});
