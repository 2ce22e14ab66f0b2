import { Subject } from 'rxjs';
import type { Operator } from '../../../src/cli/operator.ts';

/** Somebody at a keyboard who remembers everything. */
export interface AnOperator extends Operator {
  /** What was written so far. */
  readonly text: () => string;
  readonly warnings: readonly string[];
  /** Ctrl-C. */
  readonly interrupt: () => void;
  /** Whether somebody would hear Ctrl-C. */
  readonly isHeard: () => boolean;
  /** Resolves when something that matches was written; rejects after 30 s, a safety net. */
  readonly until: (pattern: RegExp) => Promise<void>;
}

export function anOperator(isTerminal = false): AnOperator {
  const interrupted$ = new Subject<NodeJS.Signals>();
  const written$ = new Subject<void>();
  const warnings: string[] = [];
  let text = '';
  return {
    isTerminal,
    width: () => 200,
    write: (more) => {
      text += more;
      written$.next();
    },
    warn: (line) => void warnings.push(line),
    interrupted$,
    text: () => text,
    warnings,
    interrupt: () => interrupted$.next('SIGINT'),
    isHeard: () => interrupted$.observed,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no ${pattern} in:\n${text}`)), 30_000);
        const look = (): void => {
          if (!pattern.test(text)) return;
          clearTimeout(timer);
          subscription.unsubscribe();
          resolve();
        };
        const subscription = written$.subscribe(look);
        look();
      }),
  };
}
