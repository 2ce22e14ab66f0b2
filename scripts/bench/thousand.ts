import { createLab } from '../../test/lab/support/lab.ts';
import type { Bench } from './bench.ts';
import { sometime, startClient } from './client.ts';
import { manyAddresses, routeManyAddresses } from './many-addresses.ts';

export const THOUSAND = '1,000 addresses on 4 nodes, one falls sick: all answered';

const COUNT = 1000;
const SHARE = 250;
const PERIOD_MS = 50;

/** The database of a quarter of the addresses is killed; a client asks each of these every 50 ms. */
export const thousandBench: Bench = {
  name: 'thousand',
  title: THOUSAND,
  async run({ runs, say }) {
    const samples: number[] = [];
    const pool = manyAddresses(COUNT);
    const lab = await createLab({
      hosts: 4,
      postgres: false,
      pool,
      startAgents: false,
      agent: { retry_num: 1 },
    });
    try {
      await routeManyAddresses(lab);
      await lab.startAgents();
      const shared = { timeoutMs: 60_000 };
      for (let run = 0; run < runs; run += 1) {
        await lab.untilCounts([SHARE, SHARE, SHARE, SHARE], shared);
        const client = await startClient(lab, lab.judge.addressesOf('db1'), { periodMs: PERIOD_MS });
        await sometime(500);
        const addresses = lab.judge.addressesOf('db1');
        const { pgbouncer } = lab.host('db1');
        const sinceMs = pgbouncer.kill();
        const answers = await Promise.all(
          addresses.map((address) => client.answeredByAnother(address, 'db1', sinceMs)),
        );
        samples.push(Math.max(...answers.map(({ atMs }) => atMs)) - sinceMs);
        client.stop();
        await pgbouncer.start();
      }
    } finally {
      await lab.dispose();
    }
    say(`  ${samples.map((ms) => ms.toFixed(0)).join(' ')}`);
    return [{ what: THOUSAND, who: 'yaim, retry_num 1', unit: 'ms', samples }];
  },
};
