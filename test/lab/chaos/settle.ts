import type { Lab } from '../support/lab.ts';
import type { Plan } from './plan.ts';

export interface Settlement {
  /** When the last fault was over. */
  readonly fromMs: number;
  /** Undefined when it did not settle within the limit. */
  readonly settledMs: number | undefined;
  /** Who had what, and etcd's keys, when it did not. */
  readonly situation: string | undefined;
}

/**
 * Waits until every address is on exactly one node, the spread is at most 1, and the marks in etcd say the same under
 * the leases of living sessions.
 */
export async function settle(
  lab: Lab,
  plan: Plan,
  limitMs: number,
  fromMs = Date.now(),
): Promise<Settlement> {
  const deadline = performance.now() + limitMs;
  const left = () => Math.max(1, deadline - performance.now());
  try {
    do {
      await lab.judge.until(() => isShared(lab, plan), {
        timeoutMs: left(),
        what: 'every address on one host, with a spread of at most 1',
      });
      if (await doMarksAgree(lab, plan)) return { fromMs, settledMs: Date.now(), situation: undefined };
    } while (performance.now() < deadline);
    return { fromMs, settledMs: undefined, situation: `the marks do not agree\n${await situation(lab)}` };
  } catch (error) {
    return { fromMs, settledMs: undefined, situation: (error as Error).message };
  }
}

function isShared({ judge }: Lab, { pool, nodes }: Plan): boolean {
  const isEach = pool.every((address) => judge.holders(address).length === 1);
  const held = nodes.reduce((sum, node) => sum + judge.addressesOf(node).length, 0);
  return isEach && held === pool.length && judge.spread() <= 1;
}

async function doMarksAgree(lab: Lab, { pool }: Plan): Promise<boolean> {
  // Without a quorum there is no answer: then nothing is settled.
  const entries = await lab.etcd.getPrefix(`${lab.service}/`).catch(() => []);
  const find = (key: string) => entries.find((entry) => entry.key === `${lab.service}/${key}`);
  return pool.every((address) => {
    const mark = find(`ips/${address}/marked`);
    const lease = mark === undefined ? undefined : find(`sessions/${mark.value}`)?.lease;
    return lease !== undefined && mark?.lease === lease && lab.judge.holders(address).join() === mark.value;
  });
}

async function situation(lab: Lab): Promise<string> {
  return `${lab.judge.layout()}\n${await lab.describe()}`;
}
