import { Counter, Histogram, type Registry } from 'prom-client';
import { tap } from 'rxjs';
import { type Etcd, EtcdError, type EtcdErrorKind } from '../../etcd/api.ts';

const KINDS: Readonly<Record<EtcdErrorKind, true>> = {
  unreachable: true,
  timeout: true,
  interrupted: true,
  refused: true,
  compacted: true,
  'lease-not-found': true,
  'no-space': true,
  other: true,
};
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/**
 * An etcd whose calls are counted and timed.
 * @param now monotonic, ms
 */
export function etcdMetrics(registry: Registry, now: () => number): <E extends Etcd>(etcd: E) => E {
  const errors = new Counter({
    name: 'yaim_etcd_errors_total',
    help: 'Calls to etcd that failed and watches that broke, by what happened.',
    labelNames: ['kind'],
    registers: [registry],
  });
  for (const kind of Object.keys(KINDS)) errors.inc({ kind }, 0);
  const durations = new Histogram({
    name: 'yaim_etcd_call_seconds',
    help: 'Duration of calls to etcd that were answered.',
    labelNames: ['call'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const failed = (error: unknown): void => {
    if (error instanceof EtcdError) errors.inc({ kind: error.kind });
  };
  const timed =
    <A extends readonly unknown[], R>(call: string, run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const startedAt = now();
      try {
        const answer = await run(...args);
        durations.observe({ call }, (now() - startedAt) / 1000);
        return answer;
      } catch (error) {
        failed(error);
        throw error;
      }
    };
  return (etcd) => ({
    ...etcd,
    range: timed('range', etcd.range),
    transact: timed('transact', etcd.transact),
    grant: timed('grant', etcd.grant),
    keepAlive: timed('keep_alive', etcd.keepAlive),
    revoke: timed('revoke', etcd.revoke),
    watch: (prefix, startRevision) => etcd.watch(prefix, startRevision).pipe(tap({ error: failed })),
  });
}
