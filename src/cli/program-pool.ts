import type { Command } from 'commander';
import type { Actions } from './actions.ts';
import { addHelpCommand, requireCommand } from './program-help.ts';
import { withWaiting } from './program-waiting.ts';
import { prose } from './prose.ts';

const ADDRESS = ['<ADDR>', 'IPv4 or IPv6 address'] as const;
const NODE = ['<NODE>', 'name of the node'] as const;

/** The pool of addresses. */
export function addPoolCommands(program: Command, actions: Actions): void {
  const pool = program
    .command('ip')
    .summary('the pool: add, remove, list, move, pin, unpin addresses')
    .description('The pool of addresses.');
  addMembership(pool, actions);
  addPlacement(pool, actions);
  addHelpCommand(pool);
  requireCommand(pool);
}

function addMembership(pool: Command, { add, remove, list }: Actions): void {
  pool
    .command('add')
    .summary('put an address into the pool, or change its options')
    .description(
      prose(`Puts an address into the pool, or changes the options that are named; the others stay.
An option given as '' is taken away. Some node takes the address within milliseconds.

  yaim ip add 10.0.0.7
  yaim ip add 2001:db8::7 --interface eth1 --netmask 64
  yaim ip add 10.0.0.7 --prefer ''`),
    )
    .argument(...ADDRESS)
    .option('--interface <name>', 'the interface that takes it')
    .option('--netmask <length>', 'its prefix length')
    .option('--node <name>', 'only this node may hold it')
    .option('--prefer <name>', 'this node holds it when that costs nobody anything')
    .option('--role <role>', 'only nodes of this role, primary or standby, may hold it')
    .action(add);
  pool
    .command('remove')
    .summary('take an address out of the pool')
    .description('Takes an address out of the pool, in every spelling. Its holder drops it.')
    .argument(...ADDRESS)
    .action(remove);
  pool
    .command('list')
    .summary('each address with its holder and its options')
    .description('Lists each address of the pool with its holder and its options.')
    .option('--json', 'as JSON')
    .action(list);
}

function addPlacement(pool: Command, { move, pin, unpin }: Actions): void {
  const moveCommand = pool
    .command('move')
    .summary('move an address to a node, once')
    .description(
      prose(`Moves an address to a node once, without waiting for rebalance_delay; it stays there as long
as an address stays anywhere. A move that the balance would undo, or that would make others
move, is refused with the ways out.
The wish lives in etcd no longer than the command may wait; Ctrl-C withdraws it.

  yaim ip move 10.0.0.7 db2
  yaim ip move 10.0.0.7 db2 --swap 10.0.0.8`),
    )
    .argument(...ADDRESS)
    .argument(...NODE)
    .option(
      '--swap <ADDR>',
      'move this address of that node the other way, so that both have as many as before',
    )
    .option('--pin', 'not once, but for good: the same as "yaim ip pin"');
  withWaiting(moveCommand, '30s').action(move);
  const pinCommand = pool
    .command('pin')
    .summary('tie an address to a node')
    .description(
      prose(`Ties an address to a node: it moves there, and while that node cannot hold it nobody does.
For a node that should merely come first: yaim ip add ADDR --prefer NODE

  yaim ip pin 10.0.0.7 db2`),
    )
    .argument(...ADDRESS)
    .argument(...NODE)
    .option('--force', 'also where that node cannot hold it now, or where nobody knows the node');
  withWaiting(pinCommand).action(pin);
  const unpinCommand = pool
    .command('unpin')
    .summary('untie an address from its node')
    .description('Takes the pin away. The address stays where it is as long as the balance leaves it there.')
    .argument(...ADDRESS);
  withWaiting(unpinCommand).action(unpin);
}
