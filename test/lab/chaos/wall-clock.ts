import { readFileSync } from 'node:fs';

/*
 * Loaded into an agent before anything else: gives it a wall clock that a test may step while it runs. Everything in
 * Node that reads the wall clock does so through Date; timers and performance.now() have the monotonic clock, which
 * stays the kernel's.
 */

const file = process.env['LAB_WALL_CLOCK'] ?? '';
const lookEveryMs = 50;

const RealDate = Date;
let offsetMs = 0;
let lookedAt = Number.NEGATIVE_INFINITY;

function now(): number {
  if (performance.now() - lookedAt > lookEveryMs) {
    lookedAt = performance.now();
    offsetMs = Number(readFileSync(file, 'utf8'));
  }
  return RealDate.now() + offsetMs;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});
