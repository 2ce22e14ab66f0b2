import type { AddressEvent, Holding } from './holdings.ts';

export interface Change {
  readonly atMs: number;
  readonly host: string;
  readonly address: string;
  readonly kind: 'added' | 'removed';
}

/** What one host had and has. */
export function createAddressRecord(host: string) {
  // An address may be there more than once, on two interfaces or with two prefix lengths: it is held until the
  // last is gone. A lifetime's renewal is echoed as the event of an address that is there already: no change.
  const places = new Map<string, Set<string>>();
  const since = new Map<string, number>();
  const past: Holding[] = [];
  return {
    apply({ address, atMs, kind, interface: device, prefixLength }: AddressEvent): Change | undefined {
      const place = `${device}/${prefixLength}`;
      const held = places.get(address) ?? new Set();
      places.set(address, held);
      const before = held.size;
      if (kind === 'present') held.add(place);
      else held.delete(place);
      if (before === 0 && held.size > 0) {
        since.set(address, atMs);
        return { atMs, host, address, kind: 'added' };
      }
      if (before > 0 && held.size === 0) {
        past.push({ address, host, fromMs: since.get(address) ?? atMs, toMs: atMs });
        since.delete(address);
        return { atMs, host, address, kind: 'removed' };
      }
      return undefined;
    },
    has: (address: string) => since.has(address),
    count: () => since.size,
    present: () => [...since.keys()].sort(byNumber),
    holdings: (): Holding[] => [
      ...past,
      ...[...since].map(([address, fromMs]) => ({ address, host, fromMs, toMs: undefined })),
    ],
  };
}

const byNumber = (one: string, other: string) => one.localeCompare(other, 'en', { numeric: true });
