import ipaddr from 'ipaddr.js';

/** An address came to a host's interface, left it, or (a renewed lifetime) is there still. */
export interface AddressEvent {
  /** Wall clock in ms with microseconds behind the point. */
  readonly atMs: number;
  readonly interface: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly kind: 'present' | 'gone';
}

/** A host had an address from … to; `toMs` is undefined while it still has it. */
export interface Holding {
  readonly address: string;
  readonly host: string;
  readonly fromMs: number;
  readonly toMs: number | undefined;
}

/** Two hosts had one address at the same instant: what must never be. */
export interface Overlap {
  readonly address: string;
  readonly hosts: readonly [string, string];
  readonly fromMs: number;
  readonly toMs: number | undefined;
  /** Until now where it still lasts. */
  readonly ms: number;
}

/** A time in which nobody had an address that somebody had before; `toMs` is undefined while it lasts. */
export interface Gap {
  readonly address: string;
  readonly before: string;
  readonly after: string | undefined;
  readonly fromMs: number;
  readonly toMs: number | undefined;
  readonly ms: number;
}

const eventLine =
  /^\[([\d-]+T[\d:]+)\.(\d{6})\] (Deleted )?\d+: (\S+)\s+inet6? (\S+?)(?:\/(\d+))?\s(?:peer )?/;

/** Reads a line of `ip -ts -o monitor address`, run with TZ=UTC; undefined when it is none. */
export function parseAddressEvent(line: string): AddressEvent | undefined {
  const match = eventLine.exec(line);
  if (match === null) return undefined;
  const [, seconds = '', microseconds = '', deleted, device = '', address = '', length] = match;
  return {
    atMs: Date.parse(`${seconds}Z`) + Number(microseconds) / 1000,
    interface: device.replace(/@.*/, ''),
    address: canonicalAddress(address),
    prefixLength: Number(length ?? (address.includes(':') ? 128 : 32)),
    kind: deleted === undefined ? 'present' : 'gone',
  };
}

/** One spelling an address. */
export function canonicalAddress(text: string): string {
  const address = ipaddr.parse(text);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** Every pair of holdings of one address by two hosts that share an instant, oldest first. */
export function findOverlaps(holdings: readonly Holding[], nowMs: number): Overlap[] {
  const overlaps: Overlap[] = [];
  const byAddress = new Map<string, Holding[]>();
  for (const one of holdings) {
    const earlier = byAddress.get(one.address) ?? [];
    for (const other of earlier) {
      const overlap = overlapOf(other, one, nowMs);
      if (overlap !== undefined) overlaps.push(overlap);
    }
    byAddress.set(one.address, [...earlier, one]);
  }
  return overlaps.sort((one, other) => one.fromMs - other.fromMs);
}

function overlapOf(one: Holding, other: Holding, nowMs: number): Overlap | undefined {
  if (one.host === other.host) return undefined;
  const fromMs = Math.max(one.fromMs, other.fromMs);
  const endMs = Math.min(one.toMs ?? Number.POSITIVE_INFINITY, other.toMs ?? Number.POSITIVE_INFINITY);
  if (endMs <= fromMs) return undefined;
  const toMs = Number.isFinite(endMs) ? endMs : undefined;
  const ms = (toMs ?? nowMs) - fromMs;
  return { address: one.address, hosts: [one.host, other.host], fromMs, toMs, ms };
}

/** The times without a holder between (and after) the holdings of one address, oldest first. */
export function findGaps(holdings: readonly Holding[], nowMs: number): Gap[] {
  const sorted = [...holdings].sort((one, other) => one.fromMs - other.fromMs);
  const gaps: Gap[] = [];
  let last: Holding | undefined;
  for (const next of sorted) {
    if (last?.toMs !== undefined && next.fromMs > last.toMs)
      gaps.push(gapBetween(last, next, last.toMs, nowMs));
    if (last === undefined || endOf(next) > endOf(last)) last = next;
  }
  if (last?.toMs !== undefined) gaps.push(gapBetween(last, undefined, last.toMs, nowMs));
  return gaps;
}

function gapBetween(before: Holding, after: Holding | undefined, fromMs: number, nowMs: number): Gap {
  const toMs = after?.fromMs;
  const ms = (toMs ?? nowMs) - fromMs;
  return { address: before.address, before: before.host, after: after?.host, fromMs, toMs, ms };
}

function endOf({ toMs }: Holding): number {
  return toMs ?? Number.POSITIVE_INFINITY;
}
