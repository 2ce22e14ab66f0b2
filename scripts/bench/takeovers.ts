import { createLab, type Lab } from '../../test/lab/support/lab.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { type Client, sometime, startClient, wallClockMs } from './client.ts';
import { ADDRESS, type Contestant, type Entrant } from './contestant.ts';
import type { Figure } from './figure.ts';

/** What happens to the host that has the address. */
export interface Cause {
  /** Does it; gives the wall clock in ms just before, or undefined where only the silence counts. */
  readonly happens: (lab: Lab, entrant: Entrant, host: string) => Promise<number | undefined>;
  readonly isUndone: (lab: Lab, entrant: Entrant, host: string) => Promise<void>;
}

export interface TakeoverBench {
  readonly name: string;
  readonly title: string;
  readonly contestants: readonly Contestant[];
  readonly cause: Cause;
  readonly answered?: string;
  readonly silent?: string;
}

/** Something happens to the host that has the address, again and again, and a client sees how long it takes. */
export function takeoverBench({ name, title, contestants, cause, answered, silent }: TakeoverBench): Bench {
  return {
    name,
    title,
    async run(options) {
      const figures: Figure[] = [];
      for (const contestant of contestants) {
        if (isMissing(contestant, options)) continue;
        const seen = await observe(contestant, cause, options);
        const figure = (what: string, samples: readonly number[]): Figure => {
          return { what, who: contestant.name, unit: 'ms', samples };
        };
        if (answered !== undefined) figures.push(figure(answered, seen.answeredMs));
        if (silent !== undefined) figures.push(figure(silent, seen.silentMs));
      }
      return figures;
    },
  };
}

export function isMissing({ name, command }: Contestant, { missing, say }: BenchOptions): boolean {
  if (command === undefined || !missing.has(command)) return false;
  say(`  ${name}: not measured, ${command} is not on this machine`);
  return true;
}

async function observe(contestant: Contestant, cause: Cause, { runs, say }: BenchOptions) {
  const answeredMs: number[] = [];
  const silentMs: number[] = [];
  const lab = await createLab({ ...contestant.lab, startAgents: false });
  let client: Client | undefined;
  try {
    const entrant = await contestant.enter(lab);
    client = await startClient(lab, [ADDRESS]);
    await client.answered(ADDRESS);
    for (let run = 0; run < runs; run += 1) {
      await sometime(500);
      const { host } = await client.answered(ADDRESS);
      const beforeMs = wallClockMs();
      const sinceMs = (await cause.happens(lab, entrant, host)) ?? beforeMs;
      const { atMs } = await client.answeredByAnother(ADDRESS, host, sinceMs);
      answeredMs.push(atMs - sinceMs);
      silentMs.push(client.longestSilenceMs(ADDRESS, beforeMs, atMs));
      await cause.isUndone(lab, entrant, host);
      await entrant.ready(host);
    }
  } finally {
    client?.stop();
    await lab.dispose();
  }
  say(`  ${contestant.name}: answered ${texts(answeredMs)}; silent ${texts(silentMs)}`);
  return { answeredMs, silentMs };
}

function texts(samples: readonly number[]): string {
  return samples.map((ms) => ms.toFixed(0)).join(' ');
}
