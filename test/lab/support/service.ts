import type { Exit, LabProcess, SignalScope } from './lab-process.ts';

/** A server of the lab that can be treated badly and started again. */
export interface Service {
  readonly name: string;
  /** The newest process; throws if there has not been one yet. */
  readonly process: LabProcess;
  readonly running: boolean;
  /** Whether it ran at all. */
  readonly started: boolean;
  /** Resolves when it serves. One that was killed may still be about to end. */
  start(): Promise<void>;
  /** SIGKILL to the process and everything it started. Like the others gives the wall clock in ms just before. */
  kill(): number;
  /** SIGSTOP to the process and everything it started. */
  pause(): number;
  /** SIGCONT to the process and everything it started. */
  resume(): number;
  /** SIGTERM to the process alone, as `kill PID`; with scope `tree` to all, as systemd does. */
  terminate(scope?: SignalScope): number;
  signal(signal: NodeJS.Signals, scope: SignalScope): number;
  /** The end of the newest process. */
  exited(timeoutMs?: number): Promise<Exit>;
}

/** @param ready resolves when a started process serves */
export function createService(
  name: string,
  launch: () => LabProcess,
  ready: (started: LabProcess) => Promise<unknown>,
): Service {
  let newest: LabProcess | undefined;
  const current = () => {
    if (newest === undefined) throw new Error(`${name} was never started`);
    return newest;
  };
  const isRunning = () => newest !== undefined && newest.exit === undefined;
  const exited = (timeoutMs = 30_000) => current().waitForExit({ timeoutMs, what: `the end of ${name}` });
  let killed: LabProcess | undefined;
  return {
    name,
    get process() {
      return current();
    },
    get running() {
      return isRunning();
    },
    get started() {
      return newest !== undefined;
    },
    async start() {
      if (killed !== undefined && killed === newest) await exited();
      if (isRunning()) throw new Error(`${name} runs already, as ${current().pid}`);
      newest = launch();
      await ready(newest);
    },
    kill() {
      killed = current();
      return killed.signal('SIGKILL', 'tree');
    },
    pause: () => current().signal('SIGSTOP', 'tree'),
    resume: () => current().signal('SIGCONT', 'tree'),
    terminate: (scope = 'leader') => current().signal('SIGTERM', scope),
    signal: (signal, scope) => current().signal(signal, scope),
    exited,
  };
}
