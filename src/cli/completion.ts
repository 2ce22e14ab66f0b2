import type { Command } from 'commander';
import { type CommandNode, commandTree } from './command-tree.ts';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';
import type { Shell } from './shells.ts';

const WRITERS: Readonly<Record<Shell, (root: CommandNode) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The script that makes a shell complete the commands and options of this very program. */
export function completionScript(program: Command, shell: Shell): string {
  return WRITERS[shell](commandTree(program));
}
