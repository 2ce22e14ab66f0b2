import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFault, anObservation, held } from './an-observation.ts';
import { analyse } from './analysis.ts';
import { servableSpans } from './fitness.ts';
import { reportText } from './report.ts';

const whole = { fromMs: 0, toMs: 60_000 };

function costOf(seen: Parameters<typeof analyse>[0], kind: string) {
  return analyse(seen).costs.find((cost) => cost.kind === kind);
}

test('an address on two nodes is a violation, and its seconds are counted for all addresses together', () => {
  const holdings = [...held('10.77.0.101: db1 0-10.5, db2 10-'), ...held('fd77::101: db3 0-, db1 59-59.25')];
  const analysis = analyse(anObservation({ holdings }));
  assert.equal(analysis.secondsWithTwoHolders, 0.75);
  assert.deepEqual(analysis.violations, [
    'two holders: 10.77.0.101 on db1 and db2 from 10.000 s for 500.000 ms',
    'two holders: fd77::101 on db3 and db1 from 59.000 s for 250.000 ms',
  ]);
});

test('two nodes one after the other, even in the same microsecond, are no violation', () => {
  const seen = anObservation({ holdings: held('10.77.0.101: db1 0-10, db2 10-30, db2 31-') });
  const { violations, secondsWithTwoHolders, takeovers, returns } = analyse(seen);
  assert.deepEqual({ violations, secondsWithTwoHolders }, { violations: [], secondsWithTwoHolders: 0 });
  assert.deepEqual({ takeovers, returns }, { takeovers: 1, returns: 1 });
});

test('the agents’ handing over at the very end is judged, too', () => {
  const { violations } = analyse(anObservation({ holdings: held('10.77.0.101: db1 0-61, db2 60.5-62') }));
  assert.equal(violations.length, 1);
});

test('a time unheld belongs to the faults that lasted when it began or had ended up to one ttl before', () => {
  const seen = anObservation({
    holdings: held('10.77.0.101: db1 0-10, db2 12-30, db1 33-50, db1 51-'),
    inflicted: [
      aFault(1, 'agent killed', ['db1'], 5, 11),
      aFault(2, 'database killed', ['db2'], 20, 24.5),
      aFault(3, 'cable pulled', ['db3'], 20, 23.5),
      aFault(4, 'presence deleted', ['db3'], 31),
    ],
  });
  const { unheld } = analyse(seen);
  assert.deepEqual(
    unheld.map(({ causes, during, ms }) => ({ causes, during, ms })),
    [
      { causes: [1], during: [], ms: 2000 },
      { causes: [2], during: [4], ms: 3000 },
      { causes: [], during: [], ms: 1000 },
    ],
  );
  assert.deepEqual(
    [costOf(seen, 'agent killed')?.aloneMs, costOf(seen, 'agent killed')?.mixedMs],
    [2000, undefined],
  );
  assert.deepEqual(
    [costOf(seen, 'database killed')?.aloneMs, costOf(seen, 'database killed')?.mixedMs],
    [undefined, 3000],
  );
  assert.equal(costOf(seen, 'presence deleted')?.gaps, 0);
  assert.equal(costOf(seen, 'none')?.aloneMs, 1000);
});

test('what was done to another address by hand, or in vain, explains nothing', () => {
  const inVain = { ...aFault(2, 'agent killed', ['db1'], 9), inVain: 'no quorum' };
  const seen = anObservation({
    holdings: held('10.77.0.101: db1 0-10, db2 11-'),
    inflicted: [aFault(1, 'mark deleted', ['fd77::101'], 9), inVain],
  });
  assert.deepEqual(analyse(seen).unheld[0]?.causes, []);
  assert.deepEqual([costOf(seen, 'agent killed')?.inflicted, costOf(seen, 'agent killed')?.inVain], [0, 1]);
});

test('the time counts apart in which etcd took writes and a node without a fault was there', () => {
  const seen = anObservation({
    holdings: held('10.77.0.101: db1 0-10, db2 25-'),
    inflicted: [
      aFault(1, 'quorum killed', ['etcd1', 'etcd2'], 8, 14),
      aFault(2, 'etcd full (NOSPACE)', [], 16, 24),
    ],
  });
  const [gap] = analyse(seen).unheld;
  assert.deepEqual([gap?.ms, gap?.servableMs], [15_000, 2000]);
});

test('no address could be held while every node has a fault, or etcd a majority of members with one', () => {
  const plan = anObservation({}).plan;
  const spans = (...inflicted: readonly ReturnType<typeof aFault>[]) =>
    servableSpans(whole, plan, inflicted).map(({ fromMs, toMs }) => `${fromMs / 1000}-${toMs / 1000}`);
  const nodes = [
    aFault(1, 'agent killed', ['db1'], 10, 30),
    aFault(2, 'database stopped (SIGSTOP)', ['db2'], 15, 25),
    aFault(3, 'link set down', ['db3'], 20, 40),
  ];
  assert.deepEqual(spans(...nodes), ['0-20', '25-60']);
  const members = [
    aFault(1, 'member killed', ['etcd1'], 10, 30),
    aFault(2, 'member cut off', ['etcd3'], 25, 50),
  ];
  assert.deepEqual(spans(...members), ['0-25', '30-60']);
  assert.deepEqual(spans(aFault(1, 'leader’s disk stalled', [], 1, 2)), ['0-1', '2-60']);
  assert.deepEqual(spans(aFault(1, 'wall clock stepped', ['db1'], 1, 2)), ['0-60']);
});

test('a node that reaches none of the members that are left could hold nothing', () => {
  const plan = { nodes: ['db1'], members: ['etcd1', 'etcd2', 'etcd3'] };
  const inflicted = [
    aFault(1, 'member killed', ['etcd1'], 10, 40),
    aFault(2, 'node unheard by a member', ['db1', 'etcd2'], 0, 30),
    aFault(3, 'member unheard by a node', ['db1', 'etcd3'], 20, 50),
  ];
  assert.deepEqual(servableSpans(whole, plan, inflicted), [
    { fromMs: 0, toMs: 20_000 },
    { fromMs: 30_000, toMs: 60_000 },
  ]);
});

test('crashes, bad ends, storms that do not settle, mishaps of the lab and leftovers are violations, each with its evidence', () => {
  const crash = {
    timestamp: 'T',
    level: 'error',
    message: 'a bug ends yaim',
    event: 'crashed',
    error: 'TypeError',
  };
  const fenced = { timestamp: 'T', level: 'error', message: 'no proof', event: 'fenced' };
  const seen = anObservation({
    logs: { db1: [fenced, crash], db2: [fenced] },
    misbehaviour: ['db2: the agent ended by itself with SIGSEGV'],
    settlements: [
      { fromMs: 30_000, settledMs: 31_000, situation: undefined },
      { fromMs: 40_000, settledMs: undefined, situation: 'db1: -' },
    ],
    mishaps: ['3 cable pulled: no such host'],
    leftovers: ['the process 77'],
  });
  const analysis = analyse(seen);
  assert.deepEqual(analysis.errors, { fenced: 2, crashed: 1 });
  assert.deepEqual(analysis.violations, [
    'did not settle after 40.000 s: db1: -',
    `db1 crashed: ${JSON.stringify(crash)}`,
    'db2: the agent ended by itself with SIGSEGV',
    'the lab could not do it: 3 cable pulled: no such host',
    'left behind: the process 77',
  ]);
  const text = reportText(seen, analysis);
  for (const violation of analysis.violations) assert.ok(text.includes(violation), violation);
  assert.ok(reportText(anObservation({}), analyse(anObservation({}))).includes('nothing was violated'));
});
