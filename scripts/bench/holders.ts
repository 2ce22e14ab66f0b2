import { setTimeout as delay } from 'node:timers/promises';
import { createLab } from '../../test/lab/support/lab.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { sometime } from './client.ts';
import { ADDRESS, type Contestant } from './contestant.ts';
import { keepalivedDefaults, vipManager, yaim } from './contestants.ts';
import type { Figure } from './figure.ts';
import { isMissing } from './takeovers.ts';

export const HOLDERS = 'agent killed or hung: time with two holders';

/** So long is looked on: what is not over by then is over when somebody ends it. */
const WATCHED_MS = 5000;

const contestants = [yaim('yaim, ttl 3000', { ttl: 3000 }), keepalivedDefaults, vipManager];

/** The process that put the address there is killed, or stopped, and its host lives on: who has the address now? */
export const holdersBench: Bench = {
  name: 'holders',
  title: HOLDERS,
  async run(options) {
    const figures: Figure[] = [];
    for (const contestant of contestants) {
      if (isMissing(contestant, options)) continue;
      const samples = await observe(contestant, options);
      figures.push({ what: HOLDERS, who: contestant.name, unit: 'ms', samples });
      options.say(`  ${contestant.name}: ${samples.map((ms) => ms.toFixed(0)).join(' ')} of ${WATCHED_MS}`);
    }
    return figures;
  },
};

/** Ms with two holders, of those that were watched after another host had taken the address; killed and hung in turn. */
async function observe({ lab: options, enter }: Contestant, { runs }: BenchOptions): Promise<number[]> {
  const samples: number[] = [];
  const lab = await createLab({ ...options, startAgents: false });
  try {
    const entrant = await enter(lab);
    for (let run = 0; run < runs; run += 1) {
      await sometime(500);
      const holder = await lab.judge.until((judge) => judge.holders(ADDRESS)[0], {
        timeoutMs: 20_000,
        what: `a holder of ${ADDRESS}`,
      });
      const isKilled = run % 2 === 0;
      const service = entrant.on(holder);
      const sinceMs = isKilled ? service.kill() : service.pause();
      await entrant.lost?.(holder);
      await lab.judge.until((judge) => judge.holders(ADDRESS).some((name) => name !== holder), {
        timeoutMs: 20_000,
        what: `another holder of ${ADDRESS}`,
      });
      await delay(WATCHED_MS);
      await lab.judge.catchUp();
      const shared = lab.judge.overlaps().filter(({ fromMs }) => fromMs > sinceMs);
      samples.push(
        Math.min(
          WATCHED_MS,
          shared.reduce((sum, { ms }) => sum + ms, 0),
        ),
      );
      if (!isKilled) service.resume();
      else await service.start();
      // What nobody takes off is taken off here, as an operator would.
      if (isKilled && shared.length > 0)
        await lab.ip(holder, 'address', 'delete', `${ADDRESS}/32`, 'dev', 'eth0').catch(() => {});
      await entrant.ready(holder);
    }
  } finally {
    await lab.dispose();
  }
  return samples;
}
