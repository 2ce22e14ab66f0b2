import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/** How often the event loop is looked at, ms. */
const RESOLUTION_MS = 20;

/** How late the event loop was, from one scrape to the next. Nothing is measured before somebody has asked once. */
export function eventLoopGauges(registry: Registry): void {
  let delays: ReturnType<typeof monitorEventLoopDelay> | undefined;
  const secondsOf = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
  new Gauge({
    name: 'yaim_event_loop_lag_seconds',
    help: 'The 99th percentile of the lag of the event loop since the previous scrape.',
    registers: [registry],
    collect() {
      if (delays === undefined) {
        delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
        delays.enable();
        return;
      }
      if (delays.count === 0) return;
      this.set(secondsOf(delays.percentile(99)));
      longest.set(secondsOf(delays.max));
      delays.reset();
    },
  });
  // Registered second: gauges are asked in their order.
  const longest = new Gauge({
    name: 'yaim_event_loop_lag_max_seconds',
    help: 'The longest lag of the event loop since the previous scrape.',
    registers: [registry],
  });
}
