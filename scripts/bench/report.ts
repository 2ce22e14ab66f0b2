import { type Figure, summaryOf } from './figure.ts';
import type { Machine } from './machine.ts';
import type { Target } from './targets.ts';

/** A whole run. */
export interface Report {
  readonly machine: Machine;
  readonly runs: number;
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
  /** What could not be measured, and why. */
  readonly missing: readonly string[];
}

/** Markdown, which reads well on a terminal, too. */
export function tablesOf({ machine, figures, targets, missing }: Report): string {
  const rows = figures.map((figure) => {
    const { n, min, median, p99, max } = summaryOf(figure);
    const cells = [min, median, p99, max].map((value) => rounded(value));
    return [figure.what, figure.who, figure.unit, `${n}`, ...cells];
  });
  const verdicts = targets.map(({ what, wanted, reached, isMet }) => {
    return [what, wanted, reached, isMet === undefined ? 'unknown' : isMet ? 'yes' : '**no**'];
  });
  return [
    machine.text,
    '',
    ...missing.map((line) => `Not measured: ${line}.\n`),
    ...table(['what', 'with', 'unit', 'n', 'min', 'median', 'p99', 'max'], rows),
    '',
    ...table(['what', 'to reach', 'reached', 'met'], verdicts),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}

/** Three digits tell enough. */
function rounded(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1);
}
