import { allCommands, type CommandNode, type OptionNode, optionsOf } from './command-tree.ts';

/** `yaim status`, `yaim ip`, `yaim ip add` …: every path of commands but the program itself. */
export function pathsBelow(root: CommandNode): readonly string[] {
  return allCommands(root)
    .filter((node) => node !== root)
    .map(({ path }) => path);
}

/** `yaim --config`, `yaim plan --state` …: the options of every command that take a value of this kind. */
export function valuedOptions(root: CommandNode, value: NonNullable<OptionNode['value']>): readonly string[] {
  return allCommands(root).flatMap((node) =>
    optionsOf(root, node)
      .filter((option) => option.value === value)
      .map(({ long }) => `${node.path} ${long}`),
  );
}

/** A text as one word of a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
