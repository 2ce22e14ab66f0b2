import ipaddr from 'ipaddr.js';

/** An IP address in canonical text: dotted quad, or IPv6 as RFC 5952 writes it. Made by parseAddress only. */
export type Address = string & { readonly __brand: 'Address' };

/** Ranges of which no host can be a server, by ipaddr.js's names, as a person calls their addresses. */
const UNUSABLE_RANGES: ReadonlyMap<string, string> = new Map([
  ['unspecified', 'the unspecified address'],
  ['broadcast', 'the broadcast address'],
  ['multicast', 'a multicast address'],
  ['loopback', 'a loopback address'],
  ['linkLocal', 'a link-local address'],
  ['ipv4Mapped', 'an IPv4 address in the guise of IPv6'],
]);

/** Every key, mark and kernel event names an address: the same few thousand texts, over and over. */
const known = new Map<string, Address | undefined>();
const MOST_KNOWN = 50_000;

/** The canonical form of an address, or undefined for text that is none. Zone ids and octal parts are refused. */
export function parseAddress(text: string): Address | undefined {
  if (known.has(text)) return known.get(text);
  const address = parse(text);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(text, address);
  return address;
}

function parse(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toString() as Address;
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.IPv6.parse(text).toRFC5952String() as Address;
}

/** Why this address cannot be shared by servers ("is a loopback address"), or undefined where it can. */
export function whyUnusable(address: Address): string | undefined {
  const range = UNUSABLE_RANGES.get(ipaddr.parse(address).range());
  return range === undefined ? undefined : `is ${range}, by which no client could reach a server`;
}

export function familyOf(address: Address): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** The prefix length of a host route: 32 for IPv4, 128 for IPv6. */
export function hostPrefixLength(address: Address): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}

/** Orders by family, then by number: 10.0.0.9 before 10.0.0.10. */
export function compareAddresses(a: Address, b: Address): number {
  if (a === b) return 0;
  const left = ipaddr.parse(a).toByteArray();
  const right = ipaddr.parse(b).toByteArray();
  if (left.length !== right.length) return left.length - right.length;
  for (const [index, byte] of left.entries()) {
    const difference = byte - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether `address` lies in `subnet` ("10.0.0.0/24"). A subnet that cannot be read contains nothing. */
export function isInSubnet(address: Address, subnet: string): boolean {
  // By family at once: to try IPv6 first, as ipaddr.parse does, costs an exception each time.
  const { IPv4, IPv6 } = ipaddr;
  if (familyOf(address) === 4)
    return IPv4.isValidCIDR(subnet) && IPv4.parse(address).match(IPv4.parseCIDR(subnet));
  return IPv6.isValidCIDR(subnet) && IPv6.parse(address).match(IPv6.parseCIDR(subnet));
}
