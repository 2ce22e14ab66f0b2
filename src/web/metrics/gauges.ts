import { Gauge, type Registry } from 'prom-client';
import type { NodeState } from '../../domain/node-report.ts';
import { ownByKey } from '../../domain/own.ts';
import { whyNotReady } from '../../domain/readiness.ts';
import { type Report, reportOf } from '../../domain/report.ts';
import { fenceAt } from '../../domain/session.ts';
import type { Planned, View } from '../../domain/view.ts';

const STATES: readonly NodeState[] = ['healthy', 'starting', 'sick', 'drained', 'unreachable', 'stopped'];

export interface GaugeSources {
  /** The newest view; null before the first. */
  readonly view: () => View | null;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/**
 * What is so at the moment of asking: read from the newest view, which is made of the kernel's events, etcd's watch and
 * the proven session. What is not known yet is absent, so that no rule takes it for a zero.
 */
export function viewGauges(registry: Registry, { view, now }: GaugeSources): void {
  const gauge = (name: string, help: string, value: (view: View) => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const seen = view();
        const known = seen === null ? undefined : value(seen);
        if (known === undefined) this.remove();
        else this.set(known);
      },
    });
  };
  const reported = rememberingReport();
  const pool = (name: string, help: string, value: (report: Report, planned: Planned) => number): void =>
    gauge(name, help, ({ planned }) => (planned === null ? undefined : value(reported(planned), planned)));

  gauge('yaim_ready', '1 while the database is healthy and the session proven, as /readyz.', (seen) =>
    whyNotReady(seen, now()) === undefined ? 1 : 0,
  );
  gauge('yaim_database_healthy', '1 while the database of this host is healthy.', ({ health }) =>
    health.kind === 'unknown' ? undefined : Number(health.kind === 'healthy'),
  );
  gauge(
    'yaim_session_remaining_seconds',
    'Time until this node drops its addresses, unless it proves its session again; 0 without a session.',
    ({ session }) =>
      session === null || session === 'adopting' ? 0 : Math.max(0, fenceAt(session) - now()) / 1000,
  );
  gauge(
    'yaim_addresses_held',
    'Addresses of yaim on the interfaces of this host, as the kernel says.',
    (seen) => ownByKey(seen).size,
  );
  gauge('yaim_drained', '1 while an operator has this node drained.', ({ planned, settings }) =>
    planned === null ? undefined : Number(planned.cluster.drained.has(settings.nodename)),
  );
  pool('yaim_pool_addresses', 'Addresses in the pool.', ({ addresses }) => addresses.length);
  pool('yaim_unheld_addresses', 'Addresses of the pool that no node holds.', ({ unheld }) => unheld.length);
  pool(
    'yaim_conflicting_addresses',
    'Addresses of the pool that some host has although yaim did not put them there; nobody takes them.',
    ({ addresses }) => addresses.filter(({ blocked }) => blocked !== undefined).length,
  );
  pool(
    'yaim_spread_addresses',
    'The largest minus the smallest number of addresses among healthy nodes.',
    ({ spread }) => spread,
  );
  pool('yaim_planned_moves', 'Moves that the plan asks for now.', (_, { plan }) => plan.moves.length);
  pool(
    'yaim_ignored_keys',
    'Keys in etcd below the service that mean nothing.',
    ({ problems }) => problems.length,
  );

  new Gauge({
    name: 'yaim_nodes',
    help: 'Nodes by their state, as this node sees them.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const planned = view()?.planned;
      if (planned == null) return this.reset();
      const { nodes } = reported(planned);
      for (const state of STATES) this.set({ state }, nodes.filter((node) => node.state === state).length);
    },
  });
}

/** One report for all gauges of a scrape, and for the next scrape if nothing has changed. */
function rememberingReport(): (planned: Planned) => Report {
  const known = new WeakMap<Planned, Report>();
  return (planned) => {
    const report = known.get(planned) ?? reportOf('', planned.cluster, planned.plan);
    known.set(planned, report);
    return report;
  };
}
