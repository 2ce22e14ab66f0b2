import { styleText } from 'node:util';

/** Text for people. Colours appear on a terminal only, and not where NO_COLOR is set: styleText looks for both. */

export const bold = (text: string): string => styled('bold', text);
export const red = (text: string): string => styled('red', text);
export const yellow = (text: string): string => styled('yellow', text);
export const green = (text: string): string => styled('green', text);
export const dim = (text: string): string => styled('dim', text);

function styled(style: 'bold' | 'red' | 'yellow' | 'green' | 'dim', text: string): string {
  return text === '' ? '' : styleText(style, text);
}

/** Rows below their headings, aligned, two spaces apart; a column that is empty throughout is left out. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = [...headings.keys()].filter((column) => rows.some((row) => (row[column] ?? '') !== ''));
  const widths = columns.map((column) =>
    Math.max(...[headings, ...rows].map((row) => width(row[column] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    columns
      .map(
        (column, index) => (row[column] ?? '') + ' '.repeat((widths[index] ?? 0) - width(row[column] ?? '')),
      )
      .join('  ')
      .trimEnd();
  return [dim(line(headings)), ...rows.map(line)].join('\n');
}

/** What a terminal shows of it: without the codes of colours. */
function width(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
  return text.replace(/\u001b\[[0-9;]*m/g, '').length;
}

/** `1 address`, `3 addresses`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const LISTED = 6;

/** The first few of a list, and how many more there are. */
export function shortList(items: readonly string[]): string {
  if (items.length <= LISTED) return items.join(', ');
  return `${items.slice(0, LISTED - 1).join(', ')} and ${items.length - LISTED + 1} more`;
}

/** What is said of several subjects is said once: the subjects as a short list, and the saying. */
export function grouped(
  sayings: readonly (readonly [subject: string, saying: string])[],
): readonly (readonly [subjects: string, saying: string])[] {
  const groups = new Map<string, string[]>();
  for (const [subject, saying] of sayings) {
    const subjects = groups.get(saying) ?? [];
    subjects.push(subject);
    groups.set(saying, subjects);
  }
  return [...groups].map(([saying, subjects]) => [shortList(subjects), saying]);
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
  [1, 's'],
];

/** `2026-01-31 10:20:30Z (3m ago)`; text that is no time as it stands. */
export function moment(iso: string | null, now: number): string {
  if (iso === null) return '';
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  const [size, unit] = UNITS.find(([unitSize]) => seconds >= unitSize) ?? [1, 's'];
  const text = new Date(at).toISOString().slice(0, 19).replace('T', ' ');
  return `${text}Z (${Math.floor(seconds / size)}${unit} ago)`;
}

/** Options of a pool address as a person reads them: `prefer db2, netmask 24`. */
export function optionsText(options: object): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** What etcd's keys contain goes to a terminal: nothing in them may steer it. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
