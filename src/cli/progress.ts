import type { Operator } from './operator.ts';
import { printable } from './text.ts';

/** What a command tells while it waits. */
export interface Progress {
  /** Something that happened: a line that stays. */
  readonly happened: (text: string) => void;
  /** What is still waited for: on a terminal one line that is written over, elsewhere nothing. */
  readonly waitingFor: (text: string) => void;
  /** Takes the line that is written over away. */
  readonly clear: () => void;
}

const ERASE = '\r\u001b[K';

export function progressFor({ isTerminal, width, write }: Operator): Progress {
  let shown = '';
  const show = (text: string): void => {
    if (!isTerminal || text === shown) return;
    shown = text;
    // One column less than there are: a line that fills the last one wraps on some terminals.
    write(ERASE + printable(text).slice(0, Math.max(0, width() - 1)));
  };
  return {
    happened: (text) => {
      const line = shown;
      shown = '';
      write(`${isTerminal ? ERASE : ''}${printable(text)}\n`);
      show(line);
    },
    waitingFor: show,
    clear: () => show(''),
  };
}
