import ipaddr from 'ipaddr.js';
import { type Address, familyOf, parseAddress } from '../domain/address.ts';
import type { KernelAddress, KernelEvent, Link, Route } from '../domain/kernel.ts';
import { attribute, attributesIn, type NetlinkMessage, textOf } from './netlink.ts';

/** What rtnetlink(7) says of links, addresses and routes, and how addresses are written for it. */

export const RTM = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
} as const;

/** Bits of the multicast groups, from linux/rtnetlink.h: links, and addresses and routes of both families. */
export const EVERYTHING_OF_INTEREST = 0x1 | 0x10 | 0x100 | 0x40 | 0x400;

const AF_INET = 2;
const AF_INET6 = 10;
const NUMBER_OF_FAMILY = { 4: AF_INET, 6: AF_INET6 } as const;

/** Names of links by their numbers: all else of the kernel's messages knows only these. */
export type LinkNames = Map<number, string>;

/** What a message changes; `now` is the monotonic time at which it came. Renamings are remembered in `names`. */
export function eventsOf(message: NetlinkMessage, names: LinkNames, now: number): readonly KernelEvent[] {
  const { type, body } = message;
  if (type === RTM.newLink || type === RTM.deleteLink)
    return linkEvents(body, type === RTM.deleteLink, names);
  if (type === RTM.newAddress || type === RTM.deleteAddress) {
    const address = readAddress(body, names, now);
    return address === undefined
      ? []
      : [{ kind: type === RTM.newAddress ? 'address' : 'address-gone', address }];
  }
  const isRoute = type === RTM.newRoute || type === RTM.deleteRoute;
  return isRoute && leadsToOthers(body, attributesIn(body.subarray(ROUTE_BYTES))) ? [OUTDATED] : [];
}

const OUTDATED: KernelEvent = { kind: 'outdated' };

/** A link that was renamed keeps its addresses and routes: a listing tells them by their new name. */
function linkEvents(body: Buffer, isGone: boolean, names: LinkNames): readonly KernelEvent[] {
  const link = readLink(body);
  if (link === undefined) return [];
  const before = names.get(link.index);
  if (isGone) {
    names.delete(link.index);
    return [{ kind: 'link-gone', name: link.name }, OUTDATED];
  }
  names.set(link.index, link.name);
  if (before === link.name) return [{ kind: 'link', link }];
  return [
    ...(before === undefined ? [] : [{ kind: 'link-gone', name: before } as const]),
    { kind: 'link', link },
    OUTDATED,
  ];
}

/** `struct ifinfomsg`. */
const LINK_BYTES = 16;
const IFLA_IFNAME = 3;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFF_UP = 0x1;
const IFF_LOWER_UP = 0x10000;

/** Undefined for a message of another kind: bridges tell of their ports in messages of links. */
export function readLink(body: Buffer): Link | undefined {
  const name = attributesIn(body.subarray(LINK_BYTES)).get(IFLA_IFNAME);
  if (body[0] !== 0 || name === undefined) return undefined;
  const flags = body.readUInt32LE(8);
  const up = (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0;
  return { name: textOf(name), index: body.readInt32LE(4), up };
}

/** What asks for everything of a kind, of all families of addresses. */
export function listQuestion(type: number): Buffer {
  if (type !== RTM.getLink) return Buffer.alloc(type === RTM.getAddress ? ADDRESS_BYTES : ROUTE_BYTES);
  const mask = Buffer.alloc(4);
  mask.writeUInt32LE(RTEXT_FILTER_SKIP_STATS);
  return Buffer.concat([Buffer.alloc(LINK_BYTES), attribute(IFLA_EXT_MASK, mask)]);
}

/** What asks for one link by its name. */
export function linkQuestion(name: string): Buffer {
  return Buffer.concat([Buffer.alloc(LINK_BYTES), attribute(IFLA_IFNAME, Buffer.from(`${name}\0`))]);
}

/** `struct ifaddrmsg`. */
const ADDRESS_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
/** The lifetime of a permanent address. */
const FOREVER_SECONDS = 0xffffffff;

/** Undefined for an address of a link that nobody has told of yet: the listing that a new link causes has it. */
export function readAddress(
  body: Buffer,
  names: ReadonlyMap<number, string>,
  now: number,
): KernelAddress | undefined {
  const attributes = attributesIn(body.subarray(ADDRESS_BYTES));
  // Of two ends of a line to one peer the other one is in IFA_ADDRESS.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  const name = names.get(body.readUInt32LE(4));
  if (bytes === undefined || name === undefined || !isOfInternet(body)) return undefined;
  const label = attributes.get(IFA_LABEL);
  const seconds = attributes.get(IFA_CACHEINFO)?.readUInt32LE(4) ?? FOREVER_SECONDS;
  const flags = attributes.get(IFA_FLAGS)?.readUInt32LE(0) ?? body[2] ?? 0;
  return {
    address: addressOf(bytes),
    interface: name,
    prefixLength: body[1] ?? 0,
    label: label === undefined ? null : textOf(label),
    expiresAt: seconds === FOREVER_SECONDS ? Infinity : now + seconds * 1000,
    duplicate: (flags & IFA_F_DADFAILED) !== 0,
  };
}

export interface AddressWords {
  readonly address: Address;
  readonly prefixLength: number;
  /** IPv4 only. */
  readonly label?: string | undefined;
  /** Absent where the address is to be removed. */
  readonly lifetimeSeconds?: number;
}

/** An address on the link with this number, as the kernel wants it told. */
export function writeAddress(
  { address, prefixLength, label, lifetimeSeconds }: AddressWords,
  linkIndex: number,
): Buffer {
  const bytes = bytesOf(address);
  const family = familyOf(address);
  const fixed = Buffer.alloc(ADDRESS_BYTES);
  fixed[0] = NUMBER_OF_FAMILY[family];
  fixed[1] = prefixLength;
  // IPv6 would wait more than a second for duplicate detection: the mark in etcd is our detection.
  if (family === 6 && lifetimeSeconds !== undefined) fixed[2] = IFA_F_NODAD;
  fixed.writeUInt32LE(linkIndex, 4);
  // Without IFA_ADDRESS the kernel removes the first one that it finds, whatever its prefix.
  const attributes = [attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)];
  if (label !== undefined) attributes.push(attribute(IFA_LABEL, Buffer.from(`${label}\0`)));
  if (lifetimeSeconds !== undefined) {
    const cacheInfo = Buffer.alloc(16);
    cacheInfo.writeUInt32LE(lifetimeSeconds, 0);
    cacheInfo.writeUInt32LE(lifetimeSeconds, 4);
    attributes.push(attribute(IFA_CACHEINFO, cacheInfo));
  }
  return Buffer.concat([fixed, ...attributes]);
}

/** `struct rtmsg`. */
const ROUTE_BYTES = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PRIORITY = 6;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RT_TABLE_MAIN = 254;
const RTN_UNICAST = 1;
const RTM_F_CLONED = 0x200;

/** A route by which an interface can be chosen; of one over several interfaces the first one counts. */
export function readRoute(body: Buffer, names: ReadonlyMap<number, string>): Route | undefined {
  const attributes = attributesIn(body.subarray(ROUTE_BYTES));
  // The kernel names lo for what is unreachable; no client comes from there.
  if (!leadsToOthers(body, attributes) || body[7] !== RTN_UNICAST) return undefined;
  const family = body[0] === AF_INET6 ? 6 : 4;
  const prefixLength = body[1] ?? 0;
  const index = attributes.get(RTA_OIF)?.readInt32LE(0) ?? attributes.get(RTA_MULTIPATH)?.readInt32LE(4);
  const name = index === undefined ? undefined : names.get(index);
  if (name === undefined) return undefined;
  const destination = attributes.get(RTA_DST);
  return {
    family,
    subnet:
      prefixLength === 0 || destination === undefined
        ? 'default'
        : `${addressOf(destination)}/${prefixLength}`,
    interface: name,
    metric: attributes.get(RTA_PRIORITY)?.readUInt32LE(0) ?? 0,
  };
}

/** Every added address brings a host route of its own; only a default route or a subnet's can lead to another. */
function leadsToOthers(body: Buffer, attributes: ReadonlyMap<number, Buffer>): boolean {
  const [family, prefixLength = 0, , , shortTable] = body;
  const table = attributes.get(RTA_TABLE)?.readUInt32LE(0) ?? shortTable;
  const longest = family === AF_INET ? 32 : 128;
  const isCached = (body.readUInt32LE(8) & RTM_F_CLONED) !== 0;
  const isMulticast = family === AF_INET6 && attributes.get(RTA_DST)?.[0] === 0xff;
  return isOfInternet(body) && table === RT_TABLE_MAIN && prefixLength < longest && !isCached && !isMulticast;
}

function isOfInternet([family]: Buffer): boolean {
  return family === AF_INET || family === AF_INET6;
}

/** The same few thousand, over and over: to write IPv6 as text takes microseconds. */
const known = new Map<string, Address>();
const MOST_KNOWN = 50_000;

function addressOf(bytes: Buffer): Address {
  const key = bytes.toString('latin1');
  let address = known.get(key);
  if (address === undefined) {
    address = parseAddress(ipaddr.fromByteArray([...bytes]).toString()) as Address;
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, address);
  }
  return address;
}

function bytesOf(address: Address): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray());
}
