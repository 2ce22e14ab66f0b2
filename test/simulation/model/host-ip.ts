import { BATCH_MS } from '../../../src/domain/session.ts';
import type { IpBatch } from '../../../src/kernel/ip-batch.ts';
import type { HostKernel } from './host-kernel.ts';
import { parseIpLine } from './ip-lines.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** What can be wrong with `ip` on a host. */
export interface IpTrouble {
  /** Until then `ip` does nothing. */
  hangsUntil: number;
  /** How many adds and renewals the kernel refuses, 0 to 1. */
  failing: number;
}

/** As src/kernel/ip-batch.ts has it: then the process is killed, with what it has not done yet. */
const TIMEOUT_MS = BATCH_MS;

interface Batch {
  readonly lines: readonly string[];
  readonly errors: (string | undefined)[];
  readonly generation: number;
  readonly answer: (errors: readonly (string | undefined)[]) => void;
}

/** The `ip -batch` of one agent: a process of its own, which a stopped or killed agent does not take along. */
export function hostIp(
  timeline: Timeline,
  random: Random,
  process: Process,
  kernel: HostKernel,
  trouble: IpTrouble,
): IpBatch {
  let queue: Batch[] = [];
  let generation = 0;
  let isBusy = false;

  const giveUp = (reason: string): void => {
    generation += 1;
    const given = queue;
    queue = [];
    for (const { errors, answer } of given) answer(errors.map((error) => error ?? `no answer: ${reason}`));
  };

  const work = (): void => {
    const [batch] = queue;
    isBusy = batch !== undefined;
    if (batch === undefined) return;
    const startsAt = Math.max(timeline.now() + random.between(0.05, 0.6), trouble.hangsUntil);
    timeline.at(startsAt, () => step(batch, 0));
  };
  const step = (batch: Batch, position: number): void => {
    if (batch.generation !== generation) {
      work();
      return;
    }
    if (timeline.now() < trouble.hangsUntil) {
      timeline.at(trouble.hangsUntil, () => step(batch, position));
      return;
    }
    // Several lines at one moment: the kernel takes microseconds for each.
    for (let index = position; index < batch.lines.length; index += 1) {
      const line = parseIpLine(batch.lines[index] ?? '');
      const isRefused = line.verb !== 'delete' && random.chance(trouble.failing);
      batch.errors[index] = isRefused ? 'Operation not permitted' : kernel.carryOut(line);
      if (index % 8 === 7) {
        timeline.after(0.3, () => step(batch, index + 1));
        return;
      }
    }
    queue.shift();
    timeline.after(random.between(0.05, 0.5), () => process.deliver(() => batch.answer(batch.errors)));
    work();
  };

  return {
    run: (lines) =>
      new Promise((resolve) => {
        const deadline = process.scheduler.schedule(
          () => giveUp(`ip took more than ${TIMEOUT_MS} ms`),
          TIMEOUT_MS,
        );
        const answer = (errors: readonly (string | undefined)[]): void => {
          deadline.unsubscribe();
          resolve(errors);
        };
        queue.push({ lines, errors: lines.map(() => undefined), generation, answer });
        if (!isBusy) work();
      }),
    forgetLinks: () => {},
    close: () => {},
    kill: () => giveUp('yaim ended it'),
  };
}
