import { readFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import type { Address } from '../domain/address.ts';
import { announcementFrames } from './frames.ts';

/** Announces addresses by raw Ethernet frames (packet(7)). Needs CAP_NET_RAW. */
export interface PacketSocket {
  /** Sends one round of frames for the address; throws what the kernel says. */
  readonly announce: (address: Address, interfaceName: string) => void;
}

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;

/**
 * One packet socket for all addresses: a frame costs microseconds, where a process for each (arping, ndptool) costs
 * milliseconds and lives a second. Node has no such sockets: libc's are called through koffi.
 */
export function packetSocket(): PacketSocket {
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func(
    'int64_t sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *to, uint32_t toLength)',
  );
  let descriptor = -1;

  const open = (): number => {
    // Protocol 0: it sends only, so that the kernel queues no packet of the network for it.
    const opened: number = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0) throw new Error(`packet socket: ${lastError()} (announcing needs CAP_NET_RAW)`);
    return opened;
  };

  const lastError = (): string => getSystemErrorName(-koffi.errno());

  return {
    announce: (address, interfaceName) => {
      const { index, hardware } = readInterface(interfaceName);
      // A link without hardware addresses (a tunnel) has no neighbours to tell.
      if (hardware === undefined) return;
      if (descriptor < 0) descriptor = open();
      for (const frame of announcementFrames(address, hardware)) {
        const to = linkLayerAddress(index, frame);
        if (sendto(descriptor, frame, frame.length, 0, to, to.length) < 0) {
          throw new Error(`sending on ${interfaceName}: ${lastError()}`);
        }
      }
    },
  };
}

function readInterface(name: string): { readonly index: number; readonly hardware: Buffer | undefined } {
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
  to.writeUInt16LE(AF_PACKET, 0);
  frame.copy(to, 2, 12, 14);
  to.writeInt32LE(index, 4);
  to.writeUInt8(6, 11);
  frame.copy(to, 12, 0, 6);
  return to;
}
