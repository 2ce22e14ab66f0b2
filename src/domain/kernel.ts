import { type Address, hostPrefixLength, parseAddress } from './address.ts';

/** One address on one interface, as the kernel has it. */
export interface KernelAddress {
  readonly address: Address;
  readonly interface: string;
  readonly prefixLength: number;
  /** IPv4 only: the label, which is the interface's name where nobody gave one. */
  readonly label: string | null;
  /** When the kernel removes it by itself, ms of the monotonic clock; Infinity for a permanent address. */
  readonly expiresAt: number;
  /** IPv6: duplicate address detection found another host with it. */
  readonly duplicate: boolean;
}

export interface Link {
  readonly name: string;
  /** The kernel's own number: a link that is made again has another one, one that is renamed keeps it. */
  readonly index: number;
  /** Administratively up and with a carrier. */
  readonly up: boolean;
}

/** A route by which an interface can be chosen; `subnet` is "default" or a CIDR. */
export interface Route {
  readonly family: 4 | 6;
  readonly subnet: string;
  readonly interface: string;
  readonly metric: number;
}

/** What the kernel of this host has; the source of every statement about addresses. */
export interface Kernel {
  readonly addresses: ReadonlyMap<string, KernelAddress>;
  readonly links: ReadonlyMap<string, Link>;
  readonly routes: readonly Route[];
}

export type KernelEvent =
  | { readonly kind: 'address'; readonly address: KernelAddress }
  | { readonly kind: 'address-gone'; readonly address: KernelAddress }
  /**
   * The kernel answered that it put one on or took one off, before its event has been read. Where that was read first, and
   * perhaps what somebody did since, it is the newer one.
   */
  | { readonly kind: 'put-on' | 'taken-off'; readonly address: KernelAddress }
  | { readonly kind: 'link'; readonly link: Link }
  | { readonly kind: 'link-gone'; readonly name: string }
  /** What is few and changes seldom (routes, names of links) is listed again instead of followed one by one. */
  | { readonly kind: 'outdated' };

/** What tells one address on an interface from another: the kernel allows one address with two prefix lengths. */
export type KernelPlace = Pick<KernelAddress, 'address' | 'prefixLength' | 'interface'>;

export function kernelKey({ address, prefixLength, interface: name }: KernelPlace): string {
  return `${address}/${prefixLength}@${name}`;
}

/** What a kernel key says without the interface, and the interface. */
export function hostPart(key: string): string {
  return key.slice(0, key.indexOf('@'));
}
export function linkPart(key: string): string {
  return key.slice(key.indexOf('@') + 1);
}

/** Reads a kernel key; undefined for text that is none. */
export function parseKernelKey(key: string): KernelPlace | undefined {
  const [, text = '', length = '', name = ''] = /^([^/@]+)\/(\d+)@([^/@\s]+)$/.exec(key) ?? [];
  const address = parseAddress(text);
  const prefixLength = Number(length);
  if (address === undefined || prefixLength > hostPrefixLength(address)) return undefined;
  return { address, prefixLength, interface: name };
}

/** Whether an event only says that an address which is there ends later than it was known to: what a renewal brings. */
export function isProlongation(
  known: KernelAddress | undefined,
  { label, duplicate, expiresAt }: KernelAddress,
): boolean {
  if (known === undefined || known.label !== label || known.duplicate !== duplicate) return false;
  // What has no end is not yaim's, and becomes no more so by an end.
  if (known.expiresAt === Infinity) return false;
  return expiresAt !== Infinity && expiresAt >= known.expiresAt;
}
