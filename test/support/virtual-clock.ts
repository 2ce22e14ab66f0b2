import { setImmediate } from 'node:timers/promises';
import { type SchedulerLike, VirtualTimeScheduler } from 'rxjs';

/** Time that passes only when told so, and slowly enough for promises to settle in between. */
export interface VirtualClock {
  readonly scheduler: SchedulerLike;
  now(): number;
  /** Lets `ms` pass. */
  pass(ms: number): Promise<void>;
  /** Resolves after `ms` of this clock. */
  wait(ms: number): Promise<void>;
}

export function virtualClock(): VirtualClock {
  const virtual = new VirtualTimeScheduler();
  return {
    scheduler: virtual,
    now: () => virtual.now(),
    wait: (ms) => new Promise((resolve) => virtual.schedule(() => resolve(), ms)),
    pass: async (ms) => {
      const end = virtual.frame + ms;
      for (;;) {
        // A whole turn of the event loop: every promise that can settle has settled then.
        await setImmediate();
        const next = virtual.actions[0];
        if (next === undefined || next.delay > end) break;
        virtual.maxFrames = next.delay;
        virtual.flush();
      }
      virtual.frame = end;
    },
  };
}
