import { type Address, compareAddresses, parseAddress, whyUnusable } from '../domain/address.ts';
import type { V2Node } from './v2-tree.ts';

/** What the directories of a Go yaim say: `<service>/ips/<address>/marked`, `<service>/nodes/<name>`. */
export interface GoPool {
  /** Each once, in order. */
  readonly addresses: readonly GoAddress[];
  /** Agents of the Go yaim that advertise themselves now: they run. */
  readonly agents: readonly string[];
  readonly skipped: readonly Skipped[];
}

export interface GoAddress {
  readonly address: Address;
  /** What `marked` says: whose interface has it. Null where nobody marked it. */
  readonly holder: string | null;
}

/** A key that is not imported, and why. */
export interface Skipped {
  readonly key: string;
  readonly reason: string;
}

/** Undefined where the directory has no `ips` below it: then it is none of a Go yaim. */
export function goPoolOf(root: V2Node): GoPool | undefined {
  const below = (name: string): V2Node | undefined => root.nodes?.find((node) => nameOf(node) === name);
  const ips = below('ips');
  if (ips?.dir !== true) return undefined;
  const agents = below('nodes')?.nodes ?? [];
  const others = (root.nodes ?? []).filter((node) => !['ips', 'nodes'].includes(nameOf(node)));
  const { addresses, skipped } = addressesOf(ips.nodes ?? []);
  return {
    addresses,
    agents: agents.map(nameOf),
    skipped: [
      ...skipped,
      ...agents.map(({ key }) => ({ key, reason: 'a node; the new agents advertise themselves' })),
      ...others.map(({ key }) => ({ key, reason: 'neither ips/ nor nodes/' })),
    ],
  };
}

function addressesOf(entries: readonly V2Node[]): Pick<GoPool, 'addresses' | 'skipped'> {
  const found = new Map<Address, { readonly key: string; holder: string | null }>();
  const skipped: Skipped[] = [];
  for (const entry of entries) {
    const address = parseAddress(nameOf(entry));
    const reason = whyNone(entry, address);
    if (address === undefined || reason !== undefined) {
      skipped.push({ key: entry.key, reason: reason ?? '' });
      continue;
    }
    const { holder, others } = contentsOf(entry);
    skipped.push(...others);
    const earlier = found.get(address);
    if (earlier === undefined) {
      found.set(address, { key: entry.key, holder });
      continue;
    }
    skipped.push({ key: entry.key, reason: `the same address as ${earlier.key}` });
    earlier.holder ??= holder;
  }
  const addresses = [...found].map(([address, { holder }]) => ({ address, holder }));
  return { addresses: addresses.sort((a, b) => compareAddresses(a.address, b.address)), skipped };
}

function whyNone(entry: V2Node, address: Address | undefined): string | undefined {
  if (address === undefined) return `"${nameOf(entry)}" is no IPv4 or IPv6 address`;
  // Nothing can be marked below a key that is no directory: the Go yaim never had it on an interface either.
  if (entry.dir !== true) return 'a key, not a directory: the Go yaim does not use it';
  return whyUnusable(address);
}

function contentsOf({ nodes = [] }: V2Node): {
  readonly holder: string | null;
  readonly others: readonly Skipped[];
} {
  const mark = nodes.find((node) => nameOf(node) === 'marked');
  return {
    holder: mark === undefined ? null : (mark.value ?? '').trim() || 'somebody',
    others: nodes.map(({ key }) => ({
      key,
      reason:
        key === mark?.key
          ? 'a mark; the new agents mark what they hold'
          : 'only marked is read below an address',
    })),
  };
}

function nameOf({ key }: V2Node): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
