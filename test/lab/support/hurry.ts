import { run } from './command.ts';

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
