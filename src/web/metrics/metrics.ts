import { Gauge, Histogram, Registry } from 'prom-client';
import type { Etcd } from '../../etcd/api.ts';
import type { Journal } from '../../journal.ts';
import type { About } from '../document.ts';
import { etcdMetrics } from './etcd.ts';
import { eventLoopGauges } from './event-loop.ts';
import { type GaugeSources, viewGauges } from './gauges.ts';
import { toldMetrics } from './told.ts';

/** What a finished check of the database tells. */
export interface Checked {
  readonly kind: 'healthy' | 'sick';
  readonly durationMs: number;
}

export interface Metrics {
  /** Hears what the agent tells. */
  readonly journal: Partial<Journal>;
  /** The same etcd, with its calls counted. */
  readonly counted: <E extends Etcd>(etcd: E) => E;
  readonly checked: (check: Checked) => void;
  /** In Prometheus's text format; gauges are worked out for it. */
  readonly collect: () => Promise<{ readonly type: string; readonly text: string }>;
}

const CHECK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** docs/metrics.md lists them all; each carries the labels `service` and `node`. */
export function metricsOf({ service, node, version }: About, sources: GaugeSources): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service, node });
  const registers = [registry];
  new Gauge({
    name: 'yaim_build_info',
    help: 'Always 1; tells the version.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  new Gauge({
    name: 'yaim_start_time_seconds',
    help: 'When the process began, seconds since 1970.',
    registers,
  }).set(Math.round(performance.timeOrigin) / 1000);
  viewGauges(registry, sources);
  eventLoopGauges(registry);
  const checks = new Histogram({
    name: 'yaim_health_check_seconds',
    help: 'Whole checks of the database, with all their tries, by their result.',
    labelNames: ['result'],
    buckets: CHECK_BUCKETS,
    registers,
  });
  for (const result of ['healthy', 'sick']) checks.zero({ result });
  return {
    journal: toldMetrics(registry),
    counted: etcdMetrics(registry, sources.now),
    checked: ({ kind, durationMs }) => checks.observe({ result: kind }, durationMs / 1000),
    collect: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
