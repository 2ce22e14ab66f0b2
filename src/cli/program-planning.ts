import type { Command } from 'commander';
import type { Actions } from './actions.ts';
import { prose } from './prose.ts';

const collect = (value: string, before: string[]): string[] => [...before, value];

/** What would happen, and why things are as they are. Neither changes anything. */
export function addPlanCommands(program: Command, { plan, explain }: Actions): void {
  const repeatable = (what: string): string => `${what} (may be repeated)`;
  program
    .command('plan')
    .summary('what the agents would do, and why')
    .description(
      prose(`Shows which addresses would move, from where to where and why, from the very function that
the agents run: no plan that shares as evenly moves fewer. It changes nothing.

  yaim plan --without db1      # if db1 went
  yaim plan --with db4         # if db4 came, or was healthy
  yaim plan --add 10.0.0.9
  yaim status --json | yaim plan --state -`),
    )
    .option('--without <node>', repeatable('suppose that this node is gone'), collect, [])
    .option('--with <node>', repeatable('suppose that this node is there and healthy'), collect, [])
    .option('--add <ADDR>', repeatable('suppose that this address is in the pool'), collect, [])
    .option('--remove <ADDR>', repeatable('suppose that this address is not in the pool'), collect, [])
    .option('--json', 'as JSON')
    .option('--state <file>', 'plan from this file ("-": stdin) instead of etcd; "status --json" writes it')
    .action(plan);
  program
    .command('explain')
    .summary('why an address is where it is, or nowhere')
    .description(
      'Tells in a few sentences why an address is where it is, and what each node has to say to it.',
    )
    .argument('<ADDR>', 'IPv4 or IPv6 address')
    .action(explain);
}
