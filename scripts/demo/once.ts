import { addresses, createLab, type Lab } from '../../test/lab/support/lab.ts';
import { type Probe, startProbe } from '../../test/lab/support/probe.ts';
import { milliseconds, movesSince } from './moves.ts';

const pool = addresses(9);
const broken = 'db1';

/** The demo without a terminal. Gives the exit status. */
export async function runOnce(): Promise<number> {
  console.log('Bringing up an etcd and three hosts with PostgreSQL, pgbouncer and yaim …');
  const lab = await createLab({ pool, startAgents: false });
  try {
    await spreadOut(lab);
    const probe = startProbe(lab.client, pool);
    await probe.untilAllAnswered({ timeoutMs: 10_000, what: 'every address to answer a client' });
    await breakOne(lab, probe);
    await repair(lab);
    await lab.judge.catchUp();
    const overlaps = lab.judge.overlaps();
    if (overlaps.length > 0) throw new Error(`two hosts had one address: ${JSON.stringify(overlaps)}`);
    console.log('At no time did two hosts have one address.');
    return 0;
  } catch (error) {
    console.error(`The demo failed: ${(error as Error).message}`);
    return 1;
  } finally {
    await lab.dispose();
  }
}

async function spreadOut(lab: Lab): Promise<void> {
  const startedMs = Date.now();
  await lab.startAgents();
  await lab.untilCounts([3, 3, 3], { timeoutMs: 30_000 });
  console.log(
    `\nNine addresses on three healthy hosts, ${milliseconds(Date.now() - startedMs)} after yaim's start:`,
  );
  printLayout(lab);
}

async function breakOne(lab: Lab, probe: Probe): Promise<void> {
  const { agent, pgbouncer, postgres } = lab.host(broken);
  const affected = lab.judge.addressesOf(broken);
  const brokenMs = pgbouncer.kill();
  postgres?.kill();
  console.log(`\nKilled pgbouncer and PostgreSQL of ${broken} (yaim there lives).`);
  await lab.judge.until(
    (judge) =>
      judge.addressesOf(broken).length === 0 && pool.every((address) => judge.holders(address).length === 1),
    { timeoutMs: 30_000, what: `the addresses of ${broken} on the other hosts` },
  );
  const moves = movesSince(lab.judge, brokenMs);
  for (const { address, from, to, leftMs, arrivedMs } of moves) {
    await probe.untilAnswered(address, arrivedMs, {
      timeoutMs: 10_000,
      what: `${address} to answer on ${to}`,
    });
    const silentMs = probe.longestSilenceMs(address, brokenMs);
    console.log(
      `  ${address}  ${from} → ${to}  dropped after ${milliseconds(leftMs - brokenMs)}, ` +
        `there after ${milliseconds(arrivedMs - brokenMs)}; ` +
        (silentMs > 0 ? `no answer to a client for ${milliseconds(silentMs)}` : 'a client noticed nothing'),
    );
  }
  const lastMs = Math.max(...moves.map(({ arrivedMs }) => arrivedMs));
  console.log(`All of them moved within ${milliseconds(lastMs - brokenMs)}:`);
  printLayout(lab);
  const strangers = moves.filter(({ address }) => !affected.includes(address));
  if (strangers.length > 0)
    throw new Error(`moved without need: ${strangers.map(({ address }) => address).join(', ')}`);
  if (lab.judge.spread(['db2', 'db3']) > 1)
    throw new Error(`the addresses are not spread evenly:\n${lab.judge.layout()}`);
  if (!agent.running) throw new Error(`yaim of ${broken} ended:\n${await lab.describe()}`);
}

async function repair(lab: Lab): Promise<void> {
  const { pgbouncer, postgres } = lab.host(broken);
  await Promise.all([postgres?.start(), pgbouncer.start()]);
  const startedMs = Date.now();
  await lab.untilCounts([3, 3, 3], { timeoutMs: 30_000 });
  console.log(
    `\nStarted them again: even after ${milliseconds(Date.now() - startedMs)}, ` +
      `${movesSince(lab.judge, startedMs).length} addresses moved.`,
  );
  printLayout(lab);
}

function printLayout(lab: Lab): void {
  for (const line of lab.judge.layout().split('\n')) console.log(`  ${line}`);
}
