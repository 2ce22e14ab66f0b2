import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Bell, createBell, type Limit } from './bell.ts';
import { cleanEnvironment } from './command.ts';
import { processTree, signalAll } from './process-tree.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `tree`: the process and everything it started, as systemd signals a unit; `leader`: itself alone, as `kill PID`. */
export type SignalScope = 'tree' | 'leader';

export interface LabProcess {
  readonly name: string;
  readonly pid: number;
  /** Undefined while it runs. */
  readonly exit: Exit | undefined;
  readonly exited: Promise<Exit>;
  /** The last lines of stdout and stderr, in the order of their arrival. */
  readonly lines: readonly string[];
  /** How many lines there have been, also those that are kept no more. */
  readonly lineCount: number;
  /** Those that came after so many, as far as they are kept. */
  linesAfter(count: number): readonly string[];
  /** The first line that matches, also among those that were written already. */
  waitForLine(pattern: RegExp, limit: Limit): Promise<string>;
  waitForExit(limit: Limit): Promise<Exit>;
  /** Gives the wall clock in ms just before the signal. */
  signal(signal: NodeJS.Signals, scope: SignalScope): number;
}

export interface ProcessOptions {
  readonly name: string;
  readonly namespace: string;
  readonly command: readonly [string, ...string[]];
  /** The system's user who runs it; default root. */
  readonly user?: string;
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string, source: 'stdout' | 'stderr') => void;
}

const keptLines = 2000;

/** Starts a process in a namespace; it ends with the test process at the latest. */
export function startProcess(options: ProcessOptions): LabProcess {
  const { name, namespace, command, user, directory = '/', environment = {}, onLine = () => {} } = options;
  // Each of these executes the next in its place: the pid is the command's own. `ip netns exec` also mounts the
  // namespace's own /sys. Own IPC: else PostgreSQL, when killed, leaves shared memory behind in the system.
  const child = spawn(
    'ip',
    ['netns', 'exec', namespace, 'unshare', '--ipc', 'setpriv', ...privileges(user), '--', ...command],
    {
      // Own group and session: Ctrl-C in the terminal is for the test process, which takes the lab down in order.
      detached: true,
      cwd: directory,
      env: { ...cleanEnvironment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const lines: string[] = [];
  let lineCount = 0;
  let exit: Exit | undefined;
  const bell: Bell = createBell(() => describe(name, lines, exit));
  const hear = (source: 'stdout' | 'stderr') => (line: string) => {
    lines.push(line);
    lineCount += 1;
    if (lines.length > keptLines) lines.shift();
    onLine(line, source);
    bell.ring();
  };
  createInterface({ input: child.stdout }).on('line', hear('stdout'));
  createInterface({ input: child.stderr }).on('line', hear('stderr'));
  const exited = new Promise<Exit>((resolve) => {
    const end = (result: Exit) => {
      exit = result;
      resolve(result);
      bell.ring();
    };
    // Not at its exit: what it said last may not have been read by then.
    child.once('close', (code, signal) => end({ code, signal }));
    child.once('error', (error) => {
      lines.push(`could not start: ${error.message}`);
      end({ code: null, signal: null });
    });
  });

  return {
    name,
    pid: child.pid ?? 0,
    lines,
    get lineCount() {
      return lineCount;
    },
    linesAfter: (count) => lines.slice(Math.max(0, lines.length - (lineCount - count))),
    exited,
    get exit() {
      return exit;
    },
    waitForLine: (pattern, limit) =>
      bell.until(() => {
        const line = lines.find((candidate) => pattern.test(candidate));
        if (line === undefined && exit !== undefined)
          throw new Error(unexpectedEnd(name, lines, exit, limit));
        return line;
      }, limit),
    waitForExit: (limit) => bell.until(() => exit, limit),
    signal(signal, scope) {
      if (child.pid === undefined || exit !== undefined)
        throw new Error(`${name} does not run: no ${signal} for it`);
      const pids = scope === 'tree' ? processTree(child.pid) : [child.pid];
      const at = Date.now();
      signalAll(pids, signal);
      return at;
    },
  };
}

function privileges(user: string | undefined): string[] {
  const deathSignal = ['--pdeathsig', 'KILL'];
  return user === undefined
    ? deathSignal
    : [...deathSignal, '--reuid', user, '--regid', user, '--init-groups'];
}

function unexpectedEnd(name: string, lines: readonly string[], exit: Exit, { what }: Limit): string {
  return `${name} ended instead of ${what}\n${describe(name, lines, exit)}`;
}

/** The state of a process and the last it said, for the text of an error. */
function describe(name: string, lines: readonly string[], exit: Exit | undefined): string {
  const state = exit === undefined ? 'runs' : `ended with ${exit.signal ?? `status ${exit.code}`}`;
  return [`${name} ${state}; its last lines:`, ...lines.slice(-15).map((line) => `  ${line}`)].join('\n');
}
