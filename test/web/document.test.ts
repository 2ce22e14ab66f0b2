import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BehaviorSubject, NEVER, type Observable, of } from 'rxjs';
import type { Takeover } from '../../src/domain/history.ts';
import type { View } from '../../src/domain/view.ts';
import { document$, type EtcdLink, type StatusDocument } from '../../src/web/document.ts';
import { aSession, aView, type ViewParts } from '../support/a-view.ts';
import { virtualClock } from '../support/virtual-clock.ts';
import { aTakeover } from './support/a-document.ts';

const about = { service: 'svc', node: 'db1', version: '1.2.3' };
const pool = ['10.0.0.7', '10.0.0.8'];
const held = (holders: Readonly<Record<string, string>>, parts: ViewParts = {}): View =>
  aView({ pool, holders, sessions: ['db1', 'db2'], ...parts });
const both = held({ '10.0.0.7': 'db1', '10.0.0.8': 'db2' });

function watched(takeovers$: Observable<readonly Takeover[]> = of([])) {
  const clock = virtualClock();
  const view$ = new BehaviorSubject<View | null>(null);
  const link$ = new BehaviorSubject<EtcdLink>({ following: true, error: null });
  const documents: StatusDocument[] = [];
  const { scheduler } = clock;
  const sources = { view$, link$, takeovers$, scheduler, wallClockMs: () => 0 };
  const subscription = document$(sources, about).subscribe((document) => documents.push(document));
  const last = () => documents.at(-1);
  return { clock, view$, link$, documents, last, subscription };
}

const holders = (document: StatusDocument | undefined) =>
  document?.addresses.map(({ address, holder }) => `${address} ${holder}`).join(', ');

test('the document begins before the first view and follows each change', async () => {
  const { clock, view$, documents, last } = watched();
  await clock.pass(1);
  assert.deepEqual([last()?.self.reason, last()?.addresses], ['the agent is starting', []]);
  view$.next(both);
  await clock.pass(1000);
  assert.equal(holders(last()), '10.0.0.7 db1, 10.0.0.8 db2');
  assert.deepEqual(last()?.self, {
    ...{ node: 'db1', version: '1.2.3', ready: true, reason: null },
    etcd: { following: true, error: null },
  });
  view$.next(held({ '10.0.0.7': 'db1', '10.0.0.8': 'db1' }));
  await clock.pass(1000);
  assert.equal(holders(last()), '10.0.0.7 db1, 10.0.0.8 db1');
  assert.equal(documents.length, 3);
});

test('renewals and proofs, in which nothing is new for people, make no document', async () => {
  const { clock, view$, documents } = watched();
  view$.next(both);
  await clock.pass(1000);
  const before = documents.length;
  for (let second = 1; second <= 20; second += 1) {
    const session = aSession({ provenUntil: 10_000 + second * 1000 });
    view$.next({ ...both, now: second * 1000, session, kernel: { ...both.kernel } });
    await clock.pass(1000);
  }
  assert.equal(documents.length, before);
});

test('a thousand changes in a second are a few documents, and the last one is the last state', async () => {
  const { clock, view$, documents, last } = watched();
  for (let count = 0; count < 1000; count += 1) {
    view$.next(held({ '10.0.0.7': count % 2 === 0 ? 'db1' : 'db2' }));
    await clock.pass(1);
  }
  await clock.pass(1000);
  assert.ok(documents.length < 10, `${documents.length} documents`);
  assert.equal(holders(last()), '10.0.0.7 db2, 10.0.0.8 null');
});

test('nobody waits long for a history that etcd does not give', async () => {
  const { clock, view$, documents } = watched(NEVER);
  view$.next(both);
  await clock.pass(400);
  assert.equal(documents.length, 0);
  await clock.pass(200);
  assert.deepEqual(
    documents.map(({ takeovers }) => takeovers),
    [[]],
  );
});

test('the last 50 takeovers are in it, the oldest first', async () => {
  const all = Array.from({ length: 60 }, (_, index) => aTakeover({ address: `10.0.0.${index + 1}` }));
  const { clock, last } = watched(of(all));
  await clock.pass(1);
  assert.deepEqual(last()?.takeovers, all.slice(10));
});

describe('attention is asked for', () => {
  const attentionIn = async (change: (parts: ReturnType<typeof watched>) => void) => {
    const parts = watched();
    parts.view$.next(both);
    change(parts);
    await parts.clock.pass(1000);
    return parts.last()?.attention.map(({ kind, subject, text }) => `${kind} ${subject}: ${text}`);
  };

  test('when etcd is out of reach: what is shown is old', async () =>
    assert.deepEqual(
      await attentionIn(({ link$ }) => link$.next({ following: false, error: 'connection refused' })),
      ['etcd etcd: connection refused; what is shown is how it was before'],
    ));

  test('when this node cannot prove its session', async () =>
    assert.deepEqual(await attentionIn(({ view$ }) => view$.next({ ...both, now: 9990 })), [
      'node db1: the session with etcd could not be proven in time',
    ]));

  test('once for a sick database, which the cluster tells', async () =>
    assert.deepEqual(
      await attentionIn(({ view$ }) =>
        view$.next({ ...both, health: { kind: 'sick', reason: 'no answer', since: null } }),
      ),
      [],
    ));
});
