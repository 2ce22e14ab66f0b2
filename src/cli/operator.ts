import { fromEvent, map, merge, type Observable } from 'rxjs';

/** Whoever gave a command: what it is told goes here, and its Ctrl-C comes from here. */
export interface Operator {
  readonly isTerminal: boolean;
  /** Columns of the terminal. */
  readonly width: () => number;
  readonly write: (text: string) => void;
  /** A line that is no part of the answer. */
  readonly warn: (text: string) => void;
  /** Signals that ask the command to end; as long as nobody listens they end the process. */
  readonly interrupted$: Observable<NodeJS.Signals>;
}

/** The operator of this process. */
export function processOperator(): Operator {
  const { stdout } = process;
  const signal$ = (signal: NodeJS.Signals) => fromEvent(process, signal).pipe(map(() => signal));
  return {
    isTerminal: stdout.isTTY === true,
    width: () => stdout.columns ?? 80,
    write: (text) => void stdout.write(text),
    warn: (text) => console.error(`yaim: ${text}`),
    interrupted$: merge(signal$('SIGINT'), signal$('SIGTERM')),
  };
}
