/** Virtual time of the whole world, in ms: what happens next happens at once. */
export interface Timeline {
  readonly now: () => number;
  /** Runs something at a moment; gives the way to call it off. Of one moment, what was asked first comes first. */
  readonly at: (moment: number, run: () => void) => () => void;
  readonly after: (delayMs: number, run: () => void) => () => void;
  /** Lives through everything until `moment`, or until `isOver` says so; microtasks are settled after each step. */
  readonly liveUntil: (moment: number, isOver?: () => boolean) => Promise<void>;
  /** How many things have happened. */
  readonly steps: () => number;
}

interface Appointment {
  readonly moment: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export function timelineOf(): Timeline {
  const heap: Appointment[] = [];
  let now = 0;
  let order = 0;
  let steps = 0;

  const at = (moment: number, run: () => void): (() => void) => {
    const appointment: Appointment = { moment: Math.max(now, moment), order: order++, run };
    push(heap, appointment);
    return () => {
      appointment.run = undefined;
    };
  };

  return {
    now: () => now,
    at,
    after: (delayMs, run) => at(now + delayMs, run),
    steps: () => steps,
    liveUntil: async (moment, isOver = () => false) => {
      for (let next = heap[0]; next !== undefined && next.moment <= moment; next = heap[0]) {
        pop(heap);
        if (next.run === undefined) continue;
        now = next.moment;
        steps += 1;
        next.run();
        await settled();
        if (isOver()) return;
      }
      now = Math.max(now, moment);
      // Now and then a turn of the real event loop, so that signals are heard.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** More links than any chain of promises in src has: an answer passes through some ten async functions. */
const LONGEST_CHAIN = 24;

/** Every promise that can be settled is, and what waited for it has run. (A turn of the event loop costs ten times as much.) */
async function settled(): Promise<void> {
  for (let link = 0; link < LONGEST_CHAIN; link += 1) await undefined;
}

function isBefore(a: Appointment, b: Appointment): boolean {
  return a.moment < b.moment || (a.moment === b.moment && a.order < b.order);
}

function push(heap: Appointment[], item: Appointment): void {
  let index = heap.length;
  heap.push(item);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Appointment;
    if (!isBefore(item, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = item;
}

function pop(heap: Appointment[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right !== undefined && isBefore(right, heap[child] as Appointment)) child += 1;
    const below = heap[child] as Appointment;
    if (!isBefore(below, last)) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
}
