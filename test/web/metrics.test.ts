import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { throwError } from 'rxjs';
import type { View } from '../../src/domain/view.ts';
import { type Etcd, EtcdError } from '../../src/etcd/api.ts';
import { metricsOf } from '../../src/web/metrics/metrics.ts';
import { address, aSession, aView, type ViewParts } from '../support/a-view.ts';
import { aTakeover } from './support/a-document.ts';

const about = { service: 'svc', node: 'db1', version: '1.2.3' };

function measured(view: View | null, now = 0) {
  const metrics = metricsOf(about, { view: () => view, now: () => now });
  /** `name{labels}` → value; without the labels that all have. */
  const samples = async (): Promise<ReadonlyMap<string, number>> => {
    const { text } = await metrics.collect();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const [name = '', value] = line.split(/ (?=\S+$)/);
        const own = name.replace(/(,?service="svc",node="db1",?)/, (all) =>
          all.startsWith(',') && all.endsWith(',') ? ',' : '',
        );
        return [own.replace('{}', ''), Number(value)] as const;
      }),
    );
  };
  return { metrics, samples };
}

describe('gauges say what the view says', () => {
  const gauges = async (parts: ViewParts, now = 0) =>
    (await measured(aView(parts), now).samples()).get.bind(await measured(aView(parts), now).samples());

  test('of addresses: on the interfaces by the kernel, in the pool by etcd', async () => {
    const get = await gauges({
      pool: ['10.0.0.6', '10.0.0.7', '10.0.0.8', '10.0.0.9'],
      holders: { '10.0.0.6': 'db1', '10.0.0.7': 'db1', '10.0.0.8': 'db2' },
      kernel: ['10.0.0.7'],
      sessions: ['db1', 'db2'],
    });
    assert.deepEqual(
      ['held', 'pool', 'unheld', 'conflicting', 'spread'].map((name) =>
        get(name === 'held' ? 'yaim_addresses_held' : `yaim_${name}_addresses`),
      ),
      [1, 4, 1, 0, 1],
    );
    assert.equal(get('yaim_planned_moves'), 1);
  });

  test('of a conflict, which nobody may take', async () => {
    const get = await gauges({
      pool: ['10.0.0.7'],
      sessions: ['db1', 'db2'],
      occupied: { db2: ['10.0.0.7'] },
    });
    assert.deepEqual([get('yaim_conflicting_addresses'), get('yaim_unheld_addresses')], [1, 1]);
  });

  test('of nodes, by their state', async () => {
    const get = await gauges({ nodes: ['db1', 'db2'], sessions: ['db1', 'db3'], drained: ['db3'] });
    const of = (state: string) => get(`yaim_nodes{state="${state}"}`);
    assert.deepEqual([of('healthy'), of('unreachable'), of('drained'), of('sick')], [1, 1, 1, 0]);
  });

  test('of the session: the time until the fence, at the moment of asking', async () => {
    const session = aSession({ provenUntil: 5250 });
    const left = async (now: number, given: ViewParts['session'] = session) =>
      (await gauges({ session: given }, now))('yaim_session_remaining_seconds');
    assert.deepEqual([await left(0), await left(2000), await left(9000), await left(0, null)], [5, 3, 0, 0]);
    assert.equal((await gauges({ session }, 4999))('yaim_ready'), 1);
    assert.equal((await gauges({ session }, 5000))('yaim_ready'), 0);
  });

  test('of the database, and nothing before the first verdict', async () => {
    const healthy = async (health: ViewParts['health']) =>
      (await gauges({ ...(health === undefined ? {} : { health }) }))('yaim_database_healthy');
    assert.deepEqual(
      [await healthy('healthy'), await healthy('sick'), await healthy('unknown')],
      [1, 0, undefined],
    );
  });

  test('and are absent while there is no view, so that no rule takes them for zeros', async () => {
    const names = [...(await measured(null).samples()).keys()];
    assert.deepEqual(
      names.filter((name) => /addresses|nodes|ready|drained|session_remaining|moves$/.test(name)),
      [],
    );
    const early = await measured({ ...aView({}), planned: null }).samples();
    assert.equal(early.get('yaim_pool_addresses'), undefined);
    assert.equal(early.get('yaim_ready'), 1);
  });
});

describe('counted is', () => {
  test('each takeover by its cause, and each of its phases', async () => {
    const { metrics, samples } = measured(null);
    const phases = { detected: 0, expired: 2000, claimed: 2003, added: 2004, announced: 2004.5 };
    metrics.journal.takeover?.(aTakeover({ address: '10.0.0.7', from: 'db2', cause: 'expired', phases }));
    const all = await samples();
    assert.equal(all.get('yaim_takeovers_total{cause="expired"}'), 1);
    assert.equal(all.get('yaim_takeovers_total{cause="balance"}'), 0);
    const sum = (phase: string) => all.get(`yaim_takeover_phase_seconds_sum{phase="${phase}"}`)?.toFixed(4);
    assert.deepEqual(['free', 'claim', 'add', 'announce'].map(sum), ['2.0000', '0.0030', '0.0010', '0.0005']);
    assert.equal(all.get('yaim_takeover_seconds_sum{cause="expired"}'), 2.0045);
  });

  test('each check of the database, with its time', async () => {
    const { metrics, samples } = measured(null);
    metrics.checked({ kind: 'healthy', durationMs: 3 });
    metrics.checked({ kind: 'sick', durationMs: 500 });
    const all = await samples();
    assert.deepEqual(
      ['healthy', 'sick'].map((result) => all.get(`yaim_health_check_seconds_sum{result="${result}"}`)),
      [0.003, 0.5],
    );
  });

  test('what happens to the session and on the interfaces', async () => {
    const { metrics, samples } = measured(null);
    const { journal } = metrics;
    const where = { address: address('10.0.0.7'), interface: 'eth0', prefixLength: 32, reason: '' };
    journal.session?.({ kind: 'proven', session: aSession() });
    journal.session?.({ kind: 'unproven', reason: 'no answer' });
    journal.session?.({ kind: 'lost', reason: 'gone' });
    journal.fenced?.();
    journal.intend?.([
      { kind: 'renew', ...where, seconds: 4 },
      { kind: 'renew', ...where, seconds: 4 },
      { kind: 'add', ...where },
    ]);
    journal.failed?.({ action: { kind: 'add', ...where }, error: { code: 'EPERM', message: 'no' } });
    const all = await samples();
    assert.deepEqual(
      [
        'yaim_session_proofs_total{result="proven"}',
        'yaim_session_proofs_total{result="unproven"}',
        'yaim_sessions_lost_total',
        'yaim_fenced_total',
        'yaim_lifetime_renewals_total',
        'yaim_kernel_errors_total{action="add"}',
        'yaim_kernel_errors_total{action="remove"}',
      ].map((name) => all.get(name)),
      [1, 1, 1, 1, 2, 1, 0],
    );
  });

  test('each call to etcd that fails, and each watch that breaks, by what happened', async () => {
    const { metrics, samples } = measured(null);
    const error = new EtcdError('timeout', 'http://etcd', 'no answer');
    const fails = async () => {
      throw error;
    };
    const counted = metrics.counted<Etcd & { readonly close: () => void }>({
      range: async () => ({ revision: 1, term: '1', keyValues: [] }),
      transact: fails,
      grant: fails,
      keepAlive: fails,
      revoke: fails,
      watch: () => throwError(() => new EtcdError('compacted', 'http://etcd', 'gone')),
      endpoint: () => 'http://etcd',
      close: () => {},
    });
    assert.deepEqual(await counted.range('a'), { revision: 1, term: '1', keyValues: [] });
    await assert.rejects(counted.transact([], []), error);
    await assert.rejects(counted.keepAlive('1'), error);
    counted.watch('a', 1).subscribe({ error: () => {} });
    counted.close();
    const all = await samples();
    assert.equal(all.get('yaim_etcd_errors_total{kind="timeout"}'), 2);
    assert.equal(all.get('yaim_etcd_errors_total{kind="compacted"}'), 1);
    assert.equal(all.get('yaim_etcd_call_seconds_count{call="range"}'), 1);
  });
});

test('the lag of the event loop is measured from the first scrape on', async () => {
  const { samples } = measured(null);
  await samples();
  // Lag is what lies between two looks: one before it, one after it.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const until = performance.now() + 120;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const longest = (await samples()).get('yaim_event_loop_lag_max_seconds') ?? 0;
  assert.ok(longest > 0.05, `${longest} s`);
});
