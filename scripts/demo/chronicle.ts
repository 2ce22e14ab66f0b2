import type { Change } from '../../test/lab/support/judge.ts';
import type { Lab } from '../../test/lab/support/lab.ts';
import { milliseconds } from './moves.ts';

/** What happened lately, for the live view. */
export interface Chronicle {
  note(text: string): void;
  /** Newest first. */
  lines(): string[];
}

/** Addresses that went the same way at about the same time share a line. */
interface Entry {
  readonly atMs: number;
  readonly way: string;
  readonly addresses: string[];
  /** The longest time that one of them was nobody's. */
  gapMs: number;
}

const keptEntries = 10;
const sameTimeMs = 300;

/** Listens to the kernels of all hosts, and to who tells it something. */
export function createChronicle(lab: Lab, onChange: () => void): Chronicle {
  const entries: Entry[] = [];
  const add = (atMs: number, way: string, address?: string, gapMs = 0) => {
    const isSame = (entry: Entry) => entry.way === way && atMs - entry.atMs < sameTimeMs;
    const entry = (address === undefined ? undefined : entries.find(isSame)) ?? {
      atMs,
      way,
      addresses: [],
      gapMs,
    };
    if (!entries.includes(entry)) entries.unshift(entry);
    if (address !== undefined) entry.addresses.push(address);
    entry.gapMs = Math.max(entry.gapMs, gapMs);
    entries.length = Math.min(entries.length, keptEntries);
    onChange();
  };
  const hear = ({ atMs, host, address, kind }: Change) => {
    if (kind === 'removed') return add(atMs, leaving(host), address);
    const gap = lab.judge.gaps(address).at(-1);
    if (gap?.toMs !== atMs) return add(atMs, `→ ${host}`, address);
    // Its departure was half of what is now a move.
    forget(entries, leaving(gap.before), address);
    add(atMs, `${gap.before} → ${host}`, address, gap.ms);
  };
  lab.judge.onChange(hear);
  return { note: (text) => add(Date.now(), text), lines: () => entries.map(sentence) };
}

const leaving = (host: string) => `${host} →`;

function forget(entries: Entry[], way: string, address: string): void {
  const index = entries.findIndex((entry) => entry.way === way && entry.addresses.includes(address));
  const entry = entries[index];
  if (entry === undefined) return;
  entry.addresses.splice(entry.addresses.indexOf(address), 1);
  if (entry.addresses.length === 0) entries.splice(index, 1);
}

function sentence({ atMs, way, addresses, gapMs }: Entry): string {
  const gap = gapMs === 0 ? '' : `  (without a holder for ${milliseconds(gapMs)})`;
  return `${timeOfDay(atMs)}  ${way}  ${addresses.join(' ')}${gap}`;
}

function timeOfDay(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8) + ((atMs % 1000) / 1000).toFixed(3).slice(1);
}
