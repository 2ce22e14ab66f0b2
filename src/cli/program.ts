import { Command } from 'commander';
import type { Actions } from './actions.ts';
import { addHelpCommand } from './program-help.ts';
import { addImportCommand } from './program-importing.ts';
import { addOperatingCommands } from './program-operating.ts';
import { addPlanCommands } from './program-planning.ts';
import { addPoolCommands } from './program-pool.ts';
import { prose } from './prose.ts';
import { SHELLS } from './shells.ts';

const STATUSES = `
Exit status: 0 done, 78 the configuration is wrong, 77 no permission, 69 something needed
is unreachable, 64 wrong usage, 130 interrupted by Ctrl-C, 1 anything else.`;

/** The command line: every command with its words for `--help`, the man page and the shells. */
export function programOf(version: string, actions: Actions): Command {
  const program = new Command('yaim')
    .description('Healthy database hosts share a pool of virtual IP addresses through etcd.')
    .usage('[options] [command]')
    .option('--config <file>', 'configuration file (default: yaim.yml in the working directory)')
    .version(version, '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'yaim: ')) })
    .exitOverride()
    .addHelpText('after', STATUSES);
  addDaemonCommands(program, actions);
  addLookingCommands(program, actions);
  addPlanCommands(program, actions);
  addPoolCommands(program, actions);
  addOperatingCommands(program, actions);
  addImportCommand(program, actions);
  program
    .command('completion')
    .summary('completion for a shell, as a script')
    .description(
      prose(`Prints a script with which the shell completes commands and options of yaim.

  source <(yaim completion bash)                 # in ~/.bashrc
  source <(yaim completion zsh)                  # in ~/.zshrc, after compinit
  yaim completion fish | source                  # in ~/.config/fish/config.fish`),
    )
    .addArgument(program.createArgument('<shell>').choices(SHELLS))
    .action((shell) => actions.completion(program, shell));
  addHelpCommand(program);
  pointToHelp(program, 'yaim');
  return program;
}

function addDaemonCommands(program: Command, { run, check }: Actions): void {
  program
    .command('run')
    .summary('the agent, in the foreground; also without any command')
    .description(
      prose(`Runs the agent in the foreground until SIGTERM or SIGINT. It ends with every address off
the interface; see on_stop in docs/configuration.md for a restart that keeps them.
SIGHUP reads the configuration anew, SIGUSR2 turns debug lines on and off.`),
    )
    .action(run);
  program
    .command('check')
    .summary('try configuration, etcd, database, interface and permissions')
    .description(
      prose(`Reads the configuration, then tries etcd, the database, the interface and the permissions,
one line each. It changes nothing, so it may run beside the agent.`),
    )
    .action(check);
}

function addLookingCommands(program: Command, { status, history }: Actions): void {
  program
    .command('status')
    .summary('nodes, addresses, who holds what and since when')
    .description(
      prose(`Shows nodes and addresses as etcd has them: who is healthy, sick, drained or unreachable
and why, who holds which address since when. What needs attention comes first.
It works from any host that reaches etcd.`),
    )
    .option('--json', 'as JSON, which "yaim plan --state" reads')
    .option('--watch', 'again after every change, until Ctrl-C')
    .action(status);
  program
    .command('history')
    .summary('past takeovers, with the time of each phase')
    .description('Lists past takeovers, oldest first: who took which address from whom, why, and how fast.')
    .option('--json', 'as JSON')
    .action(history);
}

/** After a wrong usage the help of the very command is the next thing to read. */
function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`Try: ${path} --help`);
  for (const inner of command.commands) pointToHelp(inner, `${path} ${inner.name()}`);
}

/** The arguments with the command that is meant where there is none. */
export function withDefaultCommand(program: Command, given: readonly string[]): readonly string[] {
  const { operands, unknown } = program.parseOptions([...given]);
  return operands.length === 0 && unknown.length === 0 ? [...given, 'run'] : given;
}
