import type { Command } from 'commander';

/** Options of every command that the agents carry out. */
export function withWaiting(command: Command, usualLimit = 'no limit'): Command {
  return command
    .option('--no-wait', 'only ask for it; do not wait until it is done')
    .option('--timeout <time>', `wait so long at most, as 30s or 5m, then end with status 1 (${usualLimit})`);
}
