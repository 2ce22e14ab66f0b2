import type { Command } from 'commander';
import type { Actions } from './actions.ts';
import { prose } from './prose.ts';

/** Coming from the yaim that was written in Go. */
export function addImportCommand(program: Command, { importPool }: Actions): void {
  program
    .command('import')
    .summary('take the pool of a Go yaim over, from the v2 API of its etcd')
    .description(
      prose(`Lists the addresses of a Go yaim, which are directories in the v2 API of etcd 3.5 or older
(--enable-v2), what would be skipped and why, and what is in the pool already. With --write
it puts those that are missing into the pool, and changes nothing else.
It refuses to write while agents of the Go yaim run, since both would hold the addresses:
docs/operations.md tells the whole way.

  yaim import --from http://10.0.0.2:2379
  yaim import --from http://10.0.0.2:2379/old/service --write`),
    )
    .requiredOption(
      '--from <url>',
      'http[s]://[user:password@]host[:port][/directory]; the directory is the service of the Go yaim (default: ours)',
    )
    .option('--write', 'write what is missing; without it nothing is changed')
    .option('--force', 'write although the Go yaim seems to run')
    .action(importPool);
}
