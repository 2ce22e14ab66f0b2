import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createLab, type Lab } from '../../test/lab/support/lab.ts';
import { processTree } from '../../test/lab/support/process-tree.ts';
import type { Bench } from './bench.ts';
import type { Figure } from './figure.ts';
import { manyAddresses, routeManyAddresses } from './many-addresses.ts';

const SIZES = [1, 10, 100, 1000];
/** Until the last announcement of an address is out, and the last of what a start brings. */
const CALM_MS = 8000;
const SPAN_MS = 20_000;
/** proc_pid_stat(5) counts in these; sysconf(_SC_CLK_TCK) is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** What an agent costs while nothing happens, by how many addresses it holds. */
export const steadyBench: Bench = {
  name: 'steady',
  title: 'nothing happens',
  async run({ say }) {
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const cost = await observe(size);
      const who = `yaim, ${size} ${size === 1 ? 'address' : 'addresses'} on one node`;
      figures.push(
        { what: 'at rest: messages to etcd per node', who, unit: '1/s', samples: [cost.messagesASecond] },
        { what: 'at rest: CPU with its children', who, unit: '% of a core', samples: [cost.cpuPercent] },
        { what: 'at rest: resident memory', who, unit: 'MiB', samples: [cost.residentMib] },
      );
      say(`  ${who}: ${JSON.stringify(cost)}`);
    }
    return figures;
  },
};

async function observe(size: number) {
  const pool = manyAddresses(size);
  const lab = await createLab({ hosts: 1, postgres: false, pool, startAgents: false });
  try {
    await routeManyAddresses(lab);
    await lab.startAgents();
    const { agent } = lab.host('db1');
    await lab.untilCounts([size], { timeoutMs: 30_000 });
    await delay(CALM_MS);
    const before = {
      messages: await messagesReceived(lab),
      cpuMs: cpuMsOf(agent.process.pid),
      atMs: performance.now(),
    };
    await delay(SPAN_MS);
    const spanMs = performance.now() - before.atMs;
    const cpuMs = cpuMsOf(agent.process.pid) - before.cpuMs;
    const messages = (await messagesReceived(lab)) - before.messages;
    return {
      messagesASecond: (messages / spanMs) * 1000,
      cpuPercent: (cpuMs / spanMs) * 100,
      residentMib: residentMibOf(agent.process.pid),
    };
  } finally {
    await lab.dispose();
  }
}

/** Every message that clients sent to etcd: requests, and what they write on streams. */
async function messagesReceived(lab: Lab): Promise<number> {
  const program = "process.stdout.write(await (await fetch('http://127.0.0.1:2379/metrics')).text())";
  const text = await lab.run('etcd1', process.execPath, '--input-type=module', '--eval', program);
  const counters = text.split('\n').filter((line) => line.startsWith('grpc_server_msg_received_total{'));
  return counters.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Processor time of a process, of all that it started, and of those of them that have ended. */
function cpuMsOf(root: number): number {
  return processTree(root).reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may contain anything; utime, stime, cutime and cstime are fields 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * TICK_MS;
  }, 0);
}

function residentMibOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
