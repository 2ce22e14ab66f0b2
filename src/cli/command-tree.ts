import type { Command } from 'commander';

/** The command line as data, for shells and for the man page. */
export interface CommandNode {
  /** `yaim ip move`. */
  readonly path: string;
  readonly name: string;
  /** A line. */
  readonly summary: string;
  /** Paragraphs; lines that begin with two spaces are examples. */
  readonly description: string;
  /** `[options] <ADDR> <NODE>`. */
  readonly usage: string;
  readonly arguments: readonly ArgumentNode[];
  /** Its own ones. */
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
}

export interface ArgumentNode {
  readonly name: string;
  readonly description: string;
  /** All that is allowed, where that can be listed. */
  readonly choices: readonly string[];
}

export interface OptionNode {
  /** `--config`. */
  readonly long: string;
  /** `--config <file>`. */
  readonly flags: string;
  readonly description: string;
  /** What follows it; null: nothing does. */
  readonly value: 'file' | 'word' | null;
}

export function commandTree(command: Command, parent = ''): CommandNode {
  const path = parent === '' ? command.name() : `${parent} ${command.name()}`;
  const help = command.createHelp();
  return {
    path,
    name: command.name(),
    summary: help.subcommandDescription(command),
    description: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      choices: argument.argChoices ?? [],
    })),
    options: help.visibleOptions(command).map(({ long, flags, description }) => {
      const placeholder = /<(\w+)>/.exec(flags)?.[1];
      const value = placeholder === undefined ? null : placeholder === 'file' ? 'file' : 'word';
      return { long: long ?? flags, flags, description, value };
    }),
    commands: help.visibleCommands(command).map((inner) => commandTree(inner, path)),
  };
}

/** The command and everything below it. */
export function allCommands(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)];
}

/** What a command understands: its own options and those of the whole program. */
export function optionsOf(root: CommandNode, node: CommandNode): readonly OptionNode[] {
  if (node === root) return root.options;
  const own = new Set(node.options.map(({ long }) => long));
  return [...node.options, ...root.options.filter(({ long }) => !own.has(long) && long !== '--version')];
}
