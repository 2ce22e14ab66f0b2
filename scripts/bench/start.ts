import { createLab } from '../../test/lab/support/lab.ts';
import type { Bench } from './bench.ts';
import { wallClockMs } from './client.ts';
import { ADDRESS } from './contestant.ts';

export const START = 'start → first address held';

/** From the start of the process to the kernel's event. */
export const startBench: Bench = {
  name: 'start',
  title: START,
  async run({ runs }) {
    const samples: number[] = [];
    const lab = await createLab({ hosts: 1, postgres: false, pool: [ADDRESS], startAgents: false });
    try {
      const { agent } = lab.host('db1');
      for (let run = 0; run < runs; run += 1) {
        const sinceMs = wallClockMs();
        await agent.start();
        await lab.untilCounts([1]);
        samples.push((lab.judge.changes.at(-1)?.atMs ?? Number.NaN) - sinceMs);
        agent.terminate();
        await agent.exited();
        await lab.untilCounts([0]);
      }
    } finally {
      await lab.dispose();
    }
    return [{ what: START, who: 'yaim, defaults', unit: 'ms', samples }];
  },
};
