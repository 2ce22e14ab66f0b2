import type { Command } from 'commander';

/** `help [command...]` below a command, as `--help`; what is no command is refused like everywhere else. */
export function addHelpCommand(parent: Command): void {
  parent.helpCommand(false);
  parent
    .command('help')
    .summary('the same as --help')
    .description('Shows the help of a command.')
    .argument('[command...]', 'the command')
    .action((words: readonly string[]) => helpFor(parent, words));
}

/** Without any of its commands it says so, instead of its whole help, which does not. */
export function requireCommand(parent: Command): void {
  parent.addHelpText('beforeAll', ({ error }) => {
    if (!error) return '';
    const names = parent.commands.map((inner) => inner.name()).filter((name) => name !== 'help');
    return parent.error(`error: ${parent.name()} needs one of its commands: ${names.join(', ')}`);
  });
}

function helpFor(parent: Command, words: readonly string[]): void {
  let command = parent;
  for (const word of words) {
    if (command.commands.length === 0) break;
    const inner = command.commands.find((candidate) => candidate.name() === word);
    // It has no such command, and tells that in its own words.
    if (inner === undefined) command.parse([word], { from: 'user' });
    else command = inner;
  }
  command.help();
}
