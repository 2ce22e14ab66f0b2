import { type Address, parseAddress } from '../domain/address.ts';
import {
  type Kernel,
  type KernelAddress,
  type KernelEvent,
  kernelKey,
  type Link,
  type Route,
} from '../domain/kernel.ts';

/** Readers of what iproute2's `ip` prints: `-json … show` and the lines of `-oneline monitor`. */

interface JsonLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly addr_info?: readonly JsonAddress[];
}

interface JsonAddress {
  readonly family: string;
  readonly local?: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly label?: string;
  readonly valid_life_time: number;
  readonly dadfailed?: boolean;
}

interface JsonRoute {
  /** Absent for a route that leads somewhere; "blackhole", "unreachable", "multicast". */
  readonly type?: string;
  readonly dst: string;
  readonly dev?: string;
  readonly metric?: number;
  readonly nexthops?: readonly { readonly dev?: string }[];
}

/** `valid_life_time` of a permanent address. */
const FOREVER_SECONDS = 0xffffffff;

/** Reads `ip -json address show`; `now` is the monotonic time at which it was printed. */
export function parseAddressList(json: string, now: number): Pick<Kernel, 'addresses' | 'links'> {
  const addresses = new Map<string, KernelAddress>();
  const links = new Map<string, Link>();
  for (const link of JSON.parse(json) as JsonLink[]) {
    links.set(link.ifname, { name: link.ifname, index: link.ifindex, up: isUp(link.flags) });
    for (const info of link.addr_info ?? []) {
      const address = info.local === undefined ? undefined : parseAddress(info.local);
      if (address === undefined) continue;
      const entry: KernelAddress = {
        address,
        interface: link.ifname,
        prefixLength: info.prefixlen,
        label: info.label ?? null,
        expiresAt: info.valid_life_time === FOREVER_SECONDS ? Infinity : now + info.valid_life_time * 1000,
        duplicate: info.dadfailed ?? false,
      };
      addresses.set(kernelKey(entry), entry);
    }
  }
  return { addresses, links };
}

/** Reads `ip -json -4|-6 route show`. Of a route over several interfaces the first one counts. */
export function parseRouteList(json: string, family: 4 | 6): readonly Route[] {
  const text = json.trim();
  return (text === '' ? [] : (JSON.parse(text) as JsonRoute[])).flatMap((route) => {
    const dev = route.dev ?? route.nexthops?.[0]?.dev;
    // The kernel names lo for what is unreachable; no client comes from there.
    if (dev === undefined || (route.type ?? 'unicast') !== 'unicast') return [];
    return [{ family, subnet: route.dst, interface: dev, metric: route.metric ?? 0 }];
  });
}

const ADDRESS =
  /^(\d+): (\S+)\s+inet6? ([0-9a-f.:]+)(?: peer \S+?)?(?:\/(\d+))? (.*?)\s*\\\s*valid_lft (\w+)/;
const LINK = /^(\d+): ([^:@\s]+)(?:@[^:\s]+)?: <([^>]*)>/;

/**
 * A reader of the lines of one `ip -oneline monitor address link route`, told from its start, each with the monotonic time
 * at which it came; undefined for one that changes nothing here. In lines of addresses iproute2 goes on calling a link by
 * the name that it had first, so the name that counts is the one in the last line of the link itself.
 */
export function monitorReader(): (text: string, now: number) => KernelEvent | undefined {
  const names = new Map<number, string>();
  return (text, now) => {
    const event = parseMonitorLine(text, now, names);
    if (event?.kind === 'link') names.set(event.link.index, event.link.name);
    return event;
  };
}

function parseMonitorLine(
  text: string,
  now: number,
  names: ReadonlyMap<number, string>,
): KernelEvent | undefined {
  const gone = text.startsWith('Deleted ');
  const line = gone ? text.slice('Deleted '.length) : text;
  const address = ADDRESS.exec(line);
  if (address !== null) {
    const parsed = addressOf(address, now, names);
    return parsed && { kind: gone ? 'address-gone' : 'address', address: parsed };
  }
  const link = LINK.exec(line);
  if (link !== null) {
    const [, index, name = '', flags = ''] = link;
    return gone
      ? { kind: 'link-gone', name }
      : { kind: 'link', link: { name, index: Number(index), up: isUp(flags.split(',')) } };
  }
  return isRouteOfInterest(line) ? { kind: 'routes-changed' } : undefined;
}

function addressOf(
  match: RegExpExecArray,
  now: number,
  names: ReadonlyMap<number, string>,
): KernelAddress | undefined {
  const [, index, name = '', text = '', prefix, attributes = '', lifetime = ''] = match;
  const address: Address | undefined = parseAddress(text);
  if (address === undefined) return undefined;
  const words = attributes.split(/\s+/);
  const isIPv4 = !address.includes(':');
  return {
    address,
    interface: names.get(Number(index)) ?? name.replace(/@.*$/, ''),
    prefixLength: prefix === undefined ? (isIPv4 ? 32 : 128) : Number(prefix),
    label: isIPv4 ? (words.at(-1) ?? null) : null,
    expiresAt: lifetime === 'forever' ? Infinity : now + Number.parseInt(lifetime, 10) * 1000,
    duplicate: words.includes('dadfailed'),
  };
}

function isUp(flags: readonly string[]): boolean {
  return flags.includes('UP') && flags.includes('LOWER_UP');
}

/** Every added address brings a host route of its own; only a default route or a subnet's can lead to another. */
function isRouteOfInterest(line: string): boolean {
  if (line.includes(' table local') || line.startsWith('multicast') || line.startsWith('ff00::'))
    return false;
  return /^(default|[0-9a-f.:]+\/\d+) /.test(line.replace(/^(unicast|unreachable|blackhole) /, ''));
}
