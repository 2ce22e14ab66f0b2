import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import type { Soon } from '../../../src/coalesce.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** One run of an agent as the operating system sees it: it can be stopped, continued and killed. */
export interface Process {
  readonly scheduler: SchedulerLike;
  readonly soon: Soon;
  /** Something from outside reaches the process now, or when it continues, or never if it is dead. */
  readonly deliver: (run: () => void) => void;
  readonly isRunning: () => boolean;
  readonly isAlive: () => boolean;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly kill: () => void;
}

export interface ClockOptions {
  /** Ms of this clock for a ms of the world: 1.001 runs fast. */
  readonly rate: number;
  /** What the clock says at the world's beginning. */
  readonly offsetMs: number;
}

interface Held {
  readonly kind: 'timer' | 'delivery';
  readonly run: () => void;
}

export function processOn(timeline: Timeline, random: Random, { rate, offsetMs }: ClockOptions): Process {
  let state: 'running' | 'paused' | 'dead' = 'running';
  let held: Held[] = [];

  const enter = (kind: Held['kind'], run: () => void): void => {
    if (state === 'dead') return;
    if (state === 'paused' || held.length > 0) held.push({ kind, run });
    else run();
  };

  /** What waited comes in at once: timers first, as in Node's event loop, or else input first, or as it happened. */
  const comeIn = (): void => {
    const order = random.pick(['timers first', 'input first', 'as it happened']);
    const [timers, input] = [
      held.filter(({ kind }) => kind === 'timer'),
      held.filter(({ kind }) => kind === 'delivery'),
    ];
    if (order === 'timers first') held = [...timers, ...input];
    if (order === 'input first') held = [...input, ...timers];
    next();
  };
  const next = (): void => {
    if (state !== 'running') return;
    held.shift()?.run();
    // Each in a step of its own: promises settle in between.
    if (held.length > 0) timeline.after(0.01, next);
  };

  const now = (): number => offsetMs + timeline.now() * rate;

  class Action<T> extends Subscription implements SchedulerAction<T> {
    readonly #work: (this: SchedulerAction<T>, state?: T) => void;
    #callOff: () => void = () => {};
    constructor(work: (this: SchedulerAction<T>, state?: T) => void) {
      super();
      this.#work = work;
      this.add(() => this.#callOff());
    }
    schedule(value?: T, delay = 0): Subscription {
      if (this.closed) return this;
      this.#callOff();
      let isOff = false;
      // Node waits for whole ms, at least one, on a clock that it reads once a turn: a ms early or late.
      const waitMs = Math.max(1, Math.trunc(delay)) + random.between(-1, 1.5);
      const callOff = timeline.after(Math.max(0, waitMs) / rate, () =>
        enter('timer', () => {
          if (!isOff && !this.closed) this.#work(value);
        }),
      );
      this.#callOff = () => {
        isOff = true;
        callOff();
      };
      return this;
    }
  }

  const schedule: SchedulerLike['schedule'] = <T>(
    work: (this: SchedulerAction<T>, state: T) => void,
    delay = 0,
    value?: T,
  ) => new Action(work as (this: SchedulerAction<T>, state?: T) => void).schedule(value, delay);

  return {
    scheduler: { now, schedule },
    soon: (run) => {
      let isOff = false;
      timeline.after(0.005, () => enter('timer', () => isOff || run()));
      return () => {
        isOff = true;
      };
    },
    deliver: (run) => enter('delivery', run),
    isRunning: () => state === 'running',
    isAlive: () => state !== 'dead',
    pause: () => {
      if (state === 'running') state = 'paused';
    },
    resume: () => {
      if (state !== 'paused') return;
      state = 'running';
      comeIn();
    },
    kill: () => {
      state = 'dead';
      held = [];
    },
  };
}
