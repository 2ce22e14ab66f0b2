import type { Command } from 'commander';
import type { Actions } from './actions.ts';
import { withWaiting } from './program-waiting.ts';
import { prose } from './prose.ts';

/** Maintenance of nodes. */
export function addOperatingCommands(program: Command, { drain, resume }: Actions): void {
  const drainCommand = program
    .command('drain')
    .summary('have a node give every address up and take none')
    .description(
      prose(`Prepares a node for maintenance: it gives every address up, the others take them, and it
takes none until "yaim resume", also after a restart of its agent or host.
Waits until it has no address left, and tells each one that moved. Ctrl-C ends the waiting,
not the drain.
A drain that leaves an address without any holder is refused, unless --force is given.

  yaim drain                   # this host
  yaim drain db1 --timeout 30s`),
    )
    .argument('[NODE]', 'name of the node (default: this host)')
    .option('--force', 'also where it leaves addresses without a holder, or where nobody knows the node');
  withWaiting(drainCommand).action(drain);
  const resumeCommand = program
    .command('resume')
    .summary('end a drain: the node takes its share again')
    .description(
      prose(`Ends "yaim drain". The node takes its share again as soon as it is healthy; waits for that,
and tells each address that moved. A node that is sick or has no running agent is not
waited for.

  yaim resume db1`),
    )
    .argument('[NODE]', 'name of the node (default: this host)');
  withWaiting(resumeCommand).action(resume);
}
