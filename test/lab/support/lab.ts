import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe as describeAgent } from './agent.ts';
import { createEtcd, type Etcd } from './etcd.ts';
import { createJudge, type Judge } from './judge.ts';
import { createLabHost, type LabHost, labService } from './lab-host.ts';
import type { LabOptions } from './lab-options.ts';
import { ownDirectory, sweepLab, sweepLeftovers, sweepOwner } from './leftovers.ts';
import { createNetwork, type Network, type NetworkHost } from './network.ts';

export type { LabHost, LabOptions };

export interface Lab extends Network {
  readonly runId: string;
  /** Temporary files; gone with the lab. */
  readonly directory: string;
  /** `service` of all agents. */
  readonly service: string;
  readonly hosts: readonly LabHost[];
  /** A host without a database, for whoever looks from outside. */
  readonly client: NetworkHost;
  readonly etcd: Etcd;
  readonly judge: Judge;
  host(name: string): LabHost;
  startAgents(): Promise<void>;
  /** Puts and deletes `<service>/ips/<address>`. */
  addAddress(address: string, options?: Readonly<Record<string, unknown>>): Promise<void>;
  removeAddress(address: string): Promise<void>;
  /** Resolves when the hosts have this many addresses each, in this order. */
  untilCounts(counts: readonly number[], limit?: { readonly timeoutMs?: number }): Promise<void>;
  /** Keys of etcd and last lines of the agents, for the text of an error. */
  describe(): Promise<string>;
  /** Ends everything and takes it away. */
  dispose(): Promise<void>;
}

const firstEtcdNumber = 2;
const clientNumber = 9;
const firstHostNumber = 11;

let labs = 0;

/** The usual pool: 10.77.0.101 …, in the hosts' own network. */
export function addresses(count: number, first = 101): string[] {
  return Array.from({ length: count }, (_, index) => `10.77.0.${first + index}`);
}

/** Keys of agents where no lease has to end: none ends, nor does a lifetime, because the machine stood still for seconds. */
export const unhurried = { ttl: 30_000 };

/**
 * Runs `body` in a lab of its own and takes that down whatever happens.
 * Fails when two hosts had one address at the same time, whatever the body thinks of it.
 */
export async function withLab(options: LabOptions, body: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await createLab(options);
  try {
    await body(lab);
    await lab.judge.catchUp();
    const overlaps = lab.judge.overlaps();
    if (overlaps.length > 0) {
      throw new Error(`two hosts had one address: ${JSON.stringify(overlaps)}\n${await lab.describe()}`);
    }
  } finally {
    await lab.dispose();
  }
}

/** A lab whose servers serve, with the judge watching since before the first agent. */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  takeDownAtExit();
  if (options.signals !== 'caller') exitOnSignals();
  sweepLeftovers();
  labs += 1;
  const runId = labs === 1 ? `${process.pid}` : `${process.pid}.${labs}`;
  const directory = join(ownDirectory(), `lab${labs}`);
  mkdirSync(directory);
  try {
    return await buildLab(runId, directory, options);
  } catch (error) {
    sweepLab(runId, directory);
    throw error;
  }
}

async function buildLab(runId: string, directory: string, options: LabOptions): Promise<Lab> {
  const { hosts: hostCount = 3, etcd: etcdOptions = {}, pool = [], startAgents = true } = options;
  const hostNames = numbered('db', hostCount);
  const etcdNames = numbered('etcd', etcdOptions.members ?? 1);
  const network = await createNetwork(runId, {
    client: clientNumber,
    ...Object.fromEntries(etcdNames.map((name, index) => [name, firstEtcdNumber + index])),
    ...Object.fromEntries(hostNames.map((name, index) => [name, firstHostNumber + index])),
  });
  const find = (name: string) => {
    const host = network.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  };
  const client = find('client');
  const etcd = createEtcd(etcdNames.map(find), client, directory, etcdOptions);
  const own = network.hosts.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
  const describe = () => describeLab(etcd, hosts ?? []);
  let hosts: LabHost[] | undefined;

  const [judge, built] = await Promise.all([
    createJudge(hostNames.map(find), own, describe),
    Promise.all(hostNames.map((name) => createLabHost(find(name), directory, etcd.endpoints, options))),
    etcd.start().then(() => etcd.putAll(Object.fromEntries(pool.map((address) => [ipKey(address), ''])))),
  ]);
  hosts = built;
  const lab: Lab = {
    ...network,
    runId,
    directory,
    service: labService,
    hosts,
    client,
    etcd,
    judge,
    host(name) {
      const host = built.find((candidate) => candidate.name === name);
      if (host === undefined) throw new Error(`the lab has no database host ${name}`);
      return host;
    },
    startAgents: async () => void (await Promise.all(built.map(({ agent }) => agent.start()))),
    addAddress: (address, entry) =>
      etcd.put(ipKey(address), entry === undefined ? '' : JSON.stringify(entry)),
    removeAddress: (address) => etcd.delete(ipKey(address)),
    // The limit is a safety net: a lease may have to end first, and the machine may be busy.
    async untilCounts(counts, { timeoutMs = 45_000 } = {}) {
      const wanted = counts.join(', ');
      const what = `${wanted} addresses on ${hostNames.slice(0, counts.length).join(', ')}`;
      await judge.until(() => Object.values(judge.counts()).join(', ') === wanted, { timeoutMs, what });
    },
    describe,
    async dispose() {
      sweepLab(runId, directory);
      const processes = built.flatMap(({ agent, pgbouncer, postgres }) => [agent, pgbouncer, postgres]);
      const started = [...processes, ...etcd.members].filter((one) => one?.started === true);
      await Promise.all(started.map((one) => one?.exited()));
    },
  };
  if (startAgents) await lab.startAgents();
  return lab;
}

async function describeLab(etcd: Etcd, hosts: readonly LabHost[]): Promise<string> {
  const keys = await etcd.getPrefix(labService).then(
    (entries) => entries.map(({ key, value, lease }) => `  ${key} = ${value} (lease ${lease})`),
    (error) => [`  ${error}`],
  );
  return ['etcd:', ...keys, ...hosts.map(({ agent }) => describeAgent(agent))].join('\n');
}

function ipKey(address: string): string {
  return `${labService}/ips/${address}`;
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index + 1}`);
}

/** Leaves nothing behind, however this process ends; after SIGKILL the next run cleans up. */
function takeDownAtExit(): void {
  if (labs === 0) process.once('exit', () => sweepOwner(process.pid));
}

function exitOnSignals(): void {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    process.removeListener(signal, exitOn);
    process.on(signal, exitOn);
  }
}

function exitOn(signal: NodeJS.Signals): never {
  process.exit(128 + constants.signals[signal]);
}
