import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { EtcdEntry } from '../support/etcd.ts';
import type { Lab } from '../support/lab.ts';
import { namespaceName, processesIn } from '../support/leftovers.ts';
import type { Plan } from './plan.ts';

/** A process with its start time, since a pid may be given to another one. */
interface Known {
  readonly pid: number;
  readonly startTime: string;
}

/** What there is of a lab, to look for it when it is taken down. */
export interface Inventory {
  readonly runId: string;
  readonly directory: string;
  readonly processes: readonly Known[];
}

export function inventoryOf({ runId, directory, hosts, client, etcd }: Lab): Inventory {
  const names = [...hosts, client].map(({ namespace }) => namespace);
  const members = etcd.members.map(({ name }) => namespaceName(runId, name));
  const processes = processesIn([...names, ...members]).flatMap((pid) => {
    const startTime = startTimeOf(pid);
    return startTime === undefined ? [] : [{ pid, startTime }];
  });
  return { runId, directory, processes };
}

/** What is left of a lab that was taken down; nothing should be. */
export function remainsOf({ runId, directory, processes }: Inventory): string[] {
  const namespaces = list('/run/netns').filter((name) => name.startsWith(namespaceName(runId, '')));
  const living = processes.filter(({ pid, startTime }) => startTimeOf(pid) === startTime);
  return [
    ...namespaces.map((name) => `the namespace ${name}`),
    ...living.map(({ pid }) => `the process ${pid}`),
    ...(existsSync(directory) ? [`the directory ${directory}`] : []),
  ];
}

/** Keys that should have gone with the agents. The pool is an operator's, and the history outlives its nodes. */
export function strayKeys(
  entries: readonly Pick<EtcdEntry, 'key'>[],
  service: string,
  pool: Plan['pool'],
): string[] {
  const expected = new Set(pool.map((address) => `${service}/ips/${address}`));
  return entries
    .map(({ key }) => key)
    .filter((key) => !expected.has(key) && !key.startsWith(`${service}/history/`));
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)), counted behind the name; a zombie is no process any more. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

function list(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
