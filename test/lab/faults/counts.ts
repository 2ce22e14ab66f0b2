import { createBell } from '../support/bell.ts';
import type { Lab } from '../support/lab.ts';

/**
 * `lab.untilCounts` for hundreds of addresses: it counts changes, and does not look at all addresses anew at each event.
 * Two thousand renewals a second would keep this process so busy that the monitors fall behind.
 */
export async function untilManyCounts(
  { judge, describe }: Lab,
  wanted: Readonly<Record<string, number>>,
): Promise<void> {
  const counts = new Map(Object.entries(judge.counts()));
  const bell = createBell(async () => `${JSON.stringify([...counts])}\n${(await describe()).slice(-3000)}`);
  const stop = judge.onChange(({ host, kind }) => {
    counts.set(host, (counts.get(host) ?? 0) + (kind === 'added' ? 1 : -1));
    bell.ring();
  });
  try {
    await bell.until(() => Object.entries(wanted).every(([host, count]) => counts.get(host) === count), {
      // A safety net: a lease may have to end first, and the machine may be busy.
      timeoutMs: 45_000,
      what: `${JSON.stringify(wanted)} addresses`,
    });
  } finally {
    stop();
  }
}
