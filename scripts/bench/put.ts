import { join } from 'node:path';
import { createLab, type Lab } from '../../test/lab/support/lab.ts';
import { labService } from '../../test/lab/support/lab-host.ts';
import { startProcess } from '../../test/lab/support/lab-process.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { ADDRESS } from './contestant.ts';
import type { Figure } from './figure.ts';

/** Short ones, and a 99th percentile is wanted. */
const PUTS_A_RUN = 10;

interface Claimer {
  readonly name: string;
  /** Resolves when it would claim what is put into the pool. */
  readonly start: (lab: Lab) => Promise<unknown>;
}

const claimers: readonly Claimer[] = [
  { name: 'yaim, defaults', start: startYaim },
  { name: 'the floor, a process of ip for each address', start: (lab) => startFloor(lab) },
  { name: 'the floor, an ip that stays', start: (lab) => startFloor(lab, 'batch') },
];

export const PUT = 'put in etcd → address in the kernel';

/** From the moment at which an operator's put is sent. The others' times are those of the kernel's event. */
export const putBench: Bench = {
  name: 'put',
  title: PUT,
  async run(options) {
    const figures: Figure[] = [];
    for (const { name, start } of claimers) {
      const samples = await measure(start, options);
      figures.push({ what: PUT, who: name, unit: 'ms', samples });
    }
    return figures;
  },
};

async function measure(start: Claimer['start'], { runs }: BenchOptions): Promise<readonly number[]> {
  const lab = await createLab({ hosts: 1, postgres: false, startAgents: false });
  try {
    await start(lab);
    const key = `${lab.service}/ips/${ADDRESS}`;
    const puts = runs * PUTS_A_RUN;
    const sent: number[] = [];
    const operator = startProcess({
      name: 'the operator',
      namespace: lab.client.namespace,
      command: [
        process.execPath,
        join(import.meta.dirname, 'put-process.ts'),
        endpointOf(lab),
        key,
        `${puts}`,
      ],
      onLine: (line, source) => source === 'stdout' && sent.push(JSON.parse(line).sentAtMs),
    });
    const { code } = await operator.waitForExit({ timeoutMs: puts * 1000, what: `${puts} puts` });
    if (code !== 0)
      throw new Error(`the operator ended with ${code}:\n${operator.lines.slice(-5).join('\n')}`);
    await lab.judge.catchUp();
    const added = lab.judge.changes.filter(({ kind }) => kind === 'added').map(({ atMs }) => atMs);
    return sent.map((sentAtMs, index) => {
      const addedAtMs = added.find((atMs) => atMs > sentAtMs);
      const isItsOwn = addedAtMs !== undefined && addedAtMs < (sent[index + 1] ?? Infinity);
      if (!isItsOwn) throw new Error(`put ${index + 1} of ${puts} was not followed by an address`);
      return addedAtMs - sentAtMs;
    });
  } finally {
    await lab.dispose();
  }
}

async function startYaim(lab: Lab): Promise<void> {
  await lab.startAgents();
  await Promise.all(lab.hosts.map(({ agent }) => agent.waitForEvent('advertised')));
}

async function startFloor(lab: Lab, ...mode: readonly string[]): Promise<void> {
  const [host] = lab.hosts;
  if (host === undefined) throw new Error('a lab without a host');
  const floor = startProcess({
    name: 'the floor',
    namespace: host.namespace,
    command: [
      ...([process.execPath, join(import.meta.dirname, 'floor-process.ts')] as const),
      ...[endpointOf(lab), labService, host.name, ...mode],
    ],
  });
  await floor.waitForLine(/^watching$/, { timeoutMs: 10_000, what: 'the floor to watch' });
}

function endpointOf(lab: Lab): string {
  const [endpoint] = lab.etcd.endpoints;
  if (endpoint === undefined) throw new Error('a lab without etcd');
  return endpoint;
}
