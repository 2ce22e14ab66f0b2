import ipaddr from 'ipaddr.js';
import type { Address } from '../domain/address.ts';

/** An Ethernet hardware address: six bytes. */
export type HardwareAddress = Buffer;

const BROADCAST = Buffer.alloc(6, 0xff);
/** ff02::1 and its Ethernet group (RFC 2464 §7): every node on the link. */
const ALL_NODES = Buffer.from(ipaddr.IPv6.parse('ff02::1').toByteArray());
const ALL_NODES_ETHERNET = Buffer.from([0x33, 0x33, 0, 0, 0, 1]);

const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ICMPV6 = 58;

/** The frames that tell every neighbour that `address` is at `hardware` from now on. */
export function announcementFrames(address: Address, hardware: HardwareAddress): readonly Buffer[] {
  const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
  // Some stacks learn from requests only, some from replies only: RFC 5944 §4.6 allows both.
  if (bytes.length === 4) return [arp(1, bytes, hardware), arp(2, bytes, hardware)];
  return [neighbourAdvertisement(bytes, hardware)];
}

/** A gratuitous ARP packet (RFC 826, RFC 5227 §3): sender and target are the same address. */
function arp(operation: 1 | 2, address: Buffer, hardware: HardwareAddress): Buffer {
  const fixed = Buffer.from([0, 1, 0x08, 0x00, 6, 4, 0, operation]);
  const target = operation === 1 ? Buffer.alloc(6) : BROADCAST;
  return ethernet(
    BROADCAST,
    hardware,
    ETHERTYPE_ARP,
    Buffer.concat([fixed, hardware, address, target, address]),
  );
}

/** An unsolicited neighbour advertisement with the override flag (RFC 4861 §7.2.6). */
function neighbourAdvertisement(address: Buffer, hardware: HardwareAddress): Buffer {
  const override = 0x20;
  const message = Buffer.concat([
    Buffer.from([136, 0, 0, 0, override, 0, 0, 0]),
    address,
    Buffer.from([2, 1]),
    hardware,
  ]);
  message.writeUInt16BE(checksum(pseudoHeader(address, ALL_NODES, message.length), message), 2);
  const header = Buffer.from([0x60, 0, 0, 0, 0, message.length, ICMPV6, 255]);
  const packet = Buffer.concat([header, address, ALL_NODES, message]);
  return ethernet(ALL_NODES_ETHERNET, hardware, ETHERTYPE_IPV6, packet);
}

function ethernet(destination: Buffer, source: HardwareAddress, type: number, payload: Buffer): Buffer {
  return Buffer.concat([destination, source, Buffer.from([type >> 8, type & 0xff]), payload]);
}

/** RFC 8200 §8.1. */
function pseudoHeader(source: Buffer, destination: Buffer, length: number): Buffer {
  return Buffer.concat([source, destination, Buffer.from([0, 0, 0, length, 0, 0, 0, ICMPV6])]);
}

/** The Internet checksum (RFC 1071) over parts of even length. */
function checksum(...parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let offset = 0; offset < part.length; offset += 2) sum += part.readUInt16BE(offset);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
