import type { Bench } from './bench.ts';
import { keepalivedDefaults, keepalivedTuned, vipManager, vipManagerTuned, yaim } from './contestants.ts';
import { holdersBench } from './holders.ts';
import { putBench } from './put.ts';
import { startBench } from './start.ts';
import { steadyBench } from './steady.ts';
import { takeoverBench } from './takeovers.ts';
import { thousandBench } from './thousand.ts';

const oneTry = yaim('yaim, retry_num 1', { retry_num: 1 });
const defaults = yaim('yaim, defaults');

export const benches: readonly Bench[] = [
  putBench,
  takeoverBench({
    name: 'database',
    title: 'the database is killed',
    contestants: [oneTry, defaults, keepalivedTuned, keepalivedDefaults],
    answered: 'database killed → answered from another node',
    silent: 'database killed: without an answer',
    cause: {
      happens: async (lab, _, host) => lab.host(host).pgbouncer.kill(),
      isUndone: async (lab, _, host) => lab.host(host).pgbouncer.start(),
    },
  }),
  takeoverBench({
    name: 'move',
    title: 'a planned move',
    contestants: [defaults, keepalivedTuned, keepalivedDefaults, vipManagerTuned, vipManager],
    silent: 'planned move: without an answer',
    cause: {
      happens: async (_, entrant, host) => void (await entrant.moveAway(host)),
      isUndone: (_, entrant, host) => entrant.comeBack(host),
    },
  }),
  takeoverBench({
    name: 'sigterm',
    title: 'SIGTERM',
    contestants: [defaults, keepalivedTuned, keepalivedDefaults],
    answered: 'SIGTERM → answered from another node',
    silent: 'SIGTERM: without an answer',
    cause: {
      happens: async (_, entrant, host) => entrant.on(host).terminate(),
      async isUndone(_, entrant, host) {
        await entrant.on(host).exited();
        await entrant.on(host).start();
      },
    },
  }),
  startBench,
  thousandBench,
  steadyBench,
  holdersBench,
  takeoverBench({
    name: 'dead',
    title: 'the host dies',
    contestants: [yaim('yaim, ttl 3000', { ttl: 3000 }), defaults, keepalivedTuned, keepalivedDefaults],
    answered: 'host dead → answered from another node',
    cause: {
      async happens(lab, _, host) {
        const atMs = Date.now();
        await lab.cut(host);
        return atMs;
      },
      isUndone: (lab, _, host) => lab.restore(host),
    },
  }),
];
