import { readFileSync } from 'node:fs';
import type { Address } from '../domain/address.ts';
import { announcementFrames } from './frames.ts';
import { AF, openSocket, type RawSocket, reasonOf, SOCK } from './libc.ts';

/** Announces addresses by raw Ethernet frames (packet(7)). Needs CAP_NET_RAW. */
export interface PacketSocket {
  /** Sends one round of frames for the address; throws what the kernel says. */
  readonly announce: (address: Address, interfaceName: string) => void;
}

/**
 * One packet socket for all addresses: a frame costs microseconds, where a process for each (arping, ndptool) costs
 * milliseconds and lives a second.
 */
export function packetSocket(): PacketSocket {
  let socket: RawSocket | undefined;
  /** Read once for all that is announced in one turn of the event loop. */
  const interfaces = new Map<string, Interface>();
  const interfaceNow = (name: string): Interface => {
    const known = interfaces.get(name);
    if (known !== undefined) return known;
    if (interfaces.size === 0) setImmediate(() => interfaces.clear());
    const read = readInterface(name);
    interfaces.set(name, read);
    return read;
  };
  return {
    announce: (address, interfaceName) => {
      const { index, hardware } = interfaceNow(interfaceName);
      // A link without hardware addresses (a tunnel) has no neighbours to tell.
      if (hardware === undefined) return;
      // Protocol 0: it sends only, so that the kernel queues no packet of the network for it.
      socket ??= opened(() => openSocket(AF.packet, SOCK.raw, 0));
      for (const frame of announcementFrames(address, hardware)) {
        try {
          socket.sendNow(frame, linkLayerAddress(index, frame));
        } catch (error) {
          throw new Error(`sending on ${interfaceName}: ${reasonOf(error)}`);
        }
      }
    },
  };
}

function opened(open: () => RawSocket): RawSocket {
  try {
    return open();
  } catch (error) {
    throw new Error(`packet socket: ${reasonOf(error)} (announcing needs CAP_NET_RAW)`);
  }
}

interface Interface {
  readonly index: number;
  /** Absent where there is none. */
  readonly hardware: Buffer | undefined;
}

function readInterface(name: string): Interface {
  const directory = `/sys/class/net/${name}`;
  const index = Number(readFileSync(`${directory}/ifindex`, 'utf8'));
  const hardware = Buffer.from(
    readFileSync(`${directory}/address`, 'utf8').trim().replaceAll(':', ''),
    'hex',
  );
  return {
    index,
    hardware: hardware.length === 6 && hardware.some((byte) => byte !== 0) ? hardware : undefined,
  };
}

/** `struct sockaddr_ll` of packet(7). */
function linkLayerAddress(index: number, frame: Buffer): Buffer {
  const to = Buffer.alloc(20);
  to.writeUInt16LE(AF.packet, 0);
  frame.copy(to, 2, 12, 14);
  to.writeInt32LE(index, 4);
  to.writeUInt8(6, 11);
  frame.copy(to, 12, 0, 6);
  return to;
}
