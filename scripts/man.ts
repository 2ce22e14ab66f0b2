import { readFileSync, writeFileSync } from 'node:fs';
import type { Actions } from '../src/cli/actions.ts';
import { type CommandNode, commandTree, type OptionNode } from '../src/cli/command-tree.ts';
import { programOf } from '../src/cli/program.ts';

/** Where man(1) finds what `yaim --help` says. */
export const MAN_FILE = new URL('../man/yaim.1', import.meta.url);

const STATUSES = [
  ['0', 'Done. The agent: stopped by SIGTERM or SIGINT with every address off the interface.'],
  ['1', 'Anything that is not below: refused with the reason, or not done within --timeout.'],
  ['64', 'Wrong usage.'],
  ['69', 'Something needed is unreachable, mostly etcd.'],
  ['77', 'No permission; says which capability is missing.'],
  ['78', 'The configuration is wrong; names file, line, column and key.'],
  ['130', 'Interrupted by Ctrl-C while waiting for the agents; 143 by SIGTERM.'],
] as const;

/** The man page as text, made from the commands themselves. */
export function renderMan(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  // Nothing is run: the page is about the words alone.
  const root = commandTree(programOf(version, {} as Actions));
  const commands = root.commands.filter(({ name }) => name !== 'help');
  const parts = [
    `.\\" Made by scripts/man.ts from src/cli/program*.ts: change those.`,
    `.TH YAIM 1 "" "yaim ${version}" "yaim"`,
    '.SH NAME',
    `yaim \\- ${escaped('share virtual IP addresses among healthy database hosts')}`,
    '.SH SYNOPSIS',
    '.B yaim',
    '.RI [ options ]',
    '.RI [ command ]',
    '.SH DESCRIPTION',
    escaped(root.description),
    'No address is ever on two of them.',
    'Without a command yaim is the agent, which runs on every database host.',
    '.SH OPTIONS',
    ...root.options.flatMap(optionText),
    '.SH COMMANDS',
    ...commands.flatMap(commandText),
    '.SH "EXIT STATUS"',
    ...STATUSES.flatMap(([status, meaning]) => ['.TP', `.B ${status}`, escaped(meaning)]),
    '.SH ENVIRONMENT',
    ...paragraph(
      'Every key of the configuration file is also an environment variable: YAIM_ and the key in upper case, as YAIM_SERVICE. YAIM_X_FILE reads the value of the key x from a file. Variables beat the file. NO_COLOR turns colours off.',
    ),
    '.SH FILES',
    '.TP',
    '.I yaim.yml',
    'The configuration, in the working directory or where',
    '.B \\-\\-config',
    'says.',
    '.SH "SEE ALSO"',
    '.BR ip (8),',
    '.BR etcdctl (1)',
  ];
  return `${parts.join('\n')}\n`;
}

function commandText(node: CommandNode): readonly string[] {
  if (node.commands.length > 0) {
    return node.commands.filter(({ name }) => name !== 'help').flatMap(commandText);
  }
  const own = node.options.filter(({ long }) => long !== '--help');
  const args = node.arguments.filter(({ description }) => description !== '');
  return [
    `.SS "${escaped(`${node.path} ${node.usage.replace('[options] ', '').replace('[options]', '')}`.trim())}"`,
    ...paragraph(node.description),
    ...args.flatMap(({ name, description }) => [
      '.TP',
      `.I ${escaped(name)}`,
      escaped(sentence(description)),
    ]),
    ...own.flatMap(optionText),
  ];
}

function optionText({ flags, description }: OptionNode): readonly string[] {
  const [long = '', value] = flags.split(' ');
  const heading =
    value === undefined
      ? `.B ${escaped(long)}`
      : `.BI ${escaped(long)} " ${escaped(value.replace(/[<>]/g, ''))}"`;
  return ['.TP', heading, escaped(sentence(description))];
}

/** Paragraphs; lines that begin with two spaces are examples and stay as they are. */
function paragraph(text: string): readonly string[] {
  const blocks = text.split('\n\n');
  return blocks.flatMap((block, index) => {
    const start = index === 0 ? [] : ['.PP'];
    if (!block.startsWith('  ')) return [...start, escaped(block)];
    return [...start, '.nf', '.RS', ...block.split('\n').map((line) => escaped(line.slice(2))), '.RE', '.fi'];
  });
}

function sentence(text: string): string {
  return /[.)]$/.test(text) ? text : `${text}.`;
}

/** roff reads a leading dot or quote as a request, a backslash as an escape, and a plain hyphen as a dash. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replace(/^\./gm, '\\&.');
}

function main(isCheck: boolean): void {
  const rendered = renderMan();
  if (!isCheck) {
    writeFileSync(MAN_FILE, rendered);
  } else if (readFileSync(MAN_FILE, 'utf8') !== rendered) {
    console.error('man/yaim.1 is stale: run `npm run man`');
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv.includes('--check'));
