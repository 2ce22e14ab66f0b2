import { readdirSync } from 'node:fs';
import { run } from './command.ts';
import { processTree } from './process-tree.ts';
import type { Service } from './service.ts';

/**
 * Lets processes run as soon as they have something to do, whatever else the machine does: for what would otherwise
 * measure how busy it is.
 * @param what is late where the machine does not allow that
 */
export async function hurry(pids: readonly number[], what: string): Promise<void> {
  const commands = pids.map((pid) => run('chrt', ['--all-tasks', '--fifo', '--pid', '1', `${pid}`]));
  await Promise.all(commands).catch((error) => {
    console.error(`${what} may be late on a busy machine: ${error.message}`);
  });
}

/**
 * The same for servers with all that they started, while something is done: an etcd that always comes first and looks
 * for its peers leaves nothing to anybody else.
 */
export async function hurried<T>(
  servers: readonly Service[],
  what: string,
  act: () => Promise<T>,
): Promise<T> {
  const pids = servers.flatMap(({ process }) => processTree(process.pid));
  await hurry(pids, what);
  try {
    return await act();
  } finally {
    const relax = (pid: number) => run('chrt', ['--all-tasks', '--other', '--pid', '0', `${pid}`]);
    // What has ended meanwhile needs no more.
    await Promise.allSettled(pids.map(relax));
  }
}

/** Gives servers ten times the share of the processor that other tests have, until they end. */
export async function prefer(servers: readonly Service[]): Promise<void> {
  const pids = servers.flatMap(({ process }) => processTree(process.pid));
  // A thread, or all of a process, may have ended meanwhile.
  await run('renice', ['-n', '-10', '-p', ...pids.flatMap(threadsOf)]).catch(() => {});
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}
