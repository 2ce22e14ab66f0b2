import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';

/** Where the live view is drawn: in place on a terminal, else as lines, each time something differs. */
export interface Screen {
  /** @param footer the same each time; as lines it is shown once. */
  show(lines: readonly string[], footer?: readonly string[]): void;
  close(): void;
}

export function createScreen(output: WriteStream): Screen {
  const inPlace = output.isTTY === true;
  let shown = '';
  let footerShown = false;
  let open = true;
  // The alternate screen: what was in the terminal comes back afterwards.
  if (inPlace) output.write('\x1b[?1049h\x1b[?25l');
  return {
    show(lines, footer = []) {
      const text = [...lines, ...footer].join('\n');
      if (!open || text === shown) return;
      shown = text;
      if (inPlace) output.write(`\x1b[H${fitting([...lines, ...footer], output).join('\x1b[K\n')}\x1b[J`);
      else output.write(`${[...lines, ...(footerShown ? [] : footer)].join('\n')}\n\n`);
      footerShown ||= footer.length > 0;
    },
    close() {
      if (open && inPlace) output.write('\x1b[?25h\x1b[?1049l');
      open = false;
    },
  };
}

/** The lines that the terminal has room for; long ones wrap, so that commands can be copied whole. */
function fitting(lines: readonly string[], { columns, rows }: WriteStream): string[] {
  let used = 0;
  return lines.filter((line) => {
    used += Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns));
    return used <= rows;
  });
}
