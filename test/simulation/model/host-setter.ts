import { inBatches } from '../../../src/batches.ts';
import type { AddressChange, AddressSetter, ChangeError } from '../../../src/kernel/address-setter.ts';
import type { HostKernel } from './host-kernel.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** What can be wrong with the kernel of a host. */
export interface KernelTrouble {
  /** Until then it carries nothing out. */
  hangsUntil: number;
  /** How many adds and renewals it refuses, 0 to 1. */
  failing: number;
}

interface Job {
  readonly changes: () => readonly AddressChange[];
  readonly answer: (errors: readonly (ChangeError | undefined)[]) => void;
}

/** So many are seen at once: the kernel takes microseconds for each. */
const AT_ONCE = 8;
const refused: ChangeError = { code: 'EPERM', message: 'Operation not permitted' };

/**
 * What one agent has the kernel do: first a question, which waits as the changes would, then the changes. What has been
 * begun is carried out, whatever becomes of the process.
 */
export function hostSetter(
  timeline: Timeline,
  random: Random,
  process: Process,
  kernel: HostKernel,
  trouble: KernelTrouble,
): Pick<AddressSetter, 'change'> {
  const queue: Job[] = [];

  const inKernel = (afterMs: number, run: () => void): void => {
    timeline.after(afterMs, () => {
      if (timeline.now() < trouble.hangsUntil) inKernel(trouble.hangsUntil - timeline.now(), run);
      else run();
    });
  };

  const work = (): void => {
    const [job] = queue;
    if (job === undefined) return;
    inKernel(random.between(0.02, 0.3), () => process.deliver(() => carryOut(job)));
  };
  const carryOut = (job: Job): void => {
    const changes = job.changes();
    const errors: (ChangeError | undefined)[] = [];
    let delay = random.between(0.02, 0.3);
    for (const batch of inBatches(changes, AT_ONCE)) {
      inKernel(delay, () => {
        for (const change of batch) {
          const isRefused = change.kind !== 'remove' && random.chance(trouble.failing);
          errors.push(isRefused ? refused : kernel.carryOut(change));
        }
        if (errors.length === changes.length) process.deliver(() => finish(job, errors));
      });
      delay += 0.16;
    }
    if (changes.length === 0) finish(job, []);
  };
  const finish = (job: Job, errors: readonly (ChangeError | undefined)[]): void => {
    queue.shift();
    job.answer(errors);
    work();
  };

  return {
    change: (_interfaces, changes) =>
      new Promise((answer) => {
        queue.push({ changes, answer });
        if (queue.length === 1) work();
      }),
  };
}
