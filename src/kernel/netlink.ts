import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import { AF, openSocket, SOCK, SystemError } from './libc.ts';

/** One message of netlink(7). */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  /** What an answer and its question have in common. */
  readonly sequence: number;
  /** What follows the header, in whole words of four bytes. */
  readonly body: Buffer;
}

/** Types and flags that all of netlink has in common. */
export const NLMSG = { error: 2, done: 3 } as const;
export const NLM_F = { request: 0x1, acknowledge: 0x4, interrupted: 0x10, dump: 0x300 } as const;
/** Flags of requests that make something. */
export const MAKE = { replace: 0x100, exclusive: 0x200, create: 0x400 } as const;

/** Functions as those of RawSocket. */
export interface NetlinkSocket {
  readonly descriptor: number;
  /** Requests, one after the other in one buffer. The kernel has carried them out when this is done. */
  readonly send: (requests: Buffer) => Promise<void>;
  readonly sendNow: (requests: Buffer) => void;
  /** The messages of the next datagram, valid until the next call; undefined when none has come. */
  readonly receive: () => Promise<Messages | undefined>;
  readonly receiveNow: () => Messages | undefined;
  readonly close: () => void;
}

type Messages = readonly NetlinkMessage[];

const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const HEADER = 16;

/** What a thousand renewals bring at once fits; without CAP_NET_ADMIN the kernel's usual 200 KiB must do. */
const RECEIVE_BYTES = 8 * 1024 * 1024;
/** The kernel makes no larger datagram. */
const LARGEST_DATAGRAM = 64 * 1024;

/**
 * A socket of rtnetlink(7), which is told of what happens in `groups` (a bit mask). The kernel keeps `receiveBytes` for
 * who reads too slowly, and drops the rest.
 * @throws SystemError
 */
export function netlinkSocket(groups = 0, receiveBytes = RECEIVE_BYTES): NetlinkSocket {
  const socket = openSocket(AF.netlink, SOCK.raw, NETLINK_ROUTE);
  const datagram = Buffer.alloc(LARGEST_DATAGRAM);
  try {
    socket.bind(socketAddress(groups));
    socket.setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1);
  } catch (error) {
    socket.close();
    throw error;
  }
  try {
    socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
  const read = (length: number | undefined): Messages | undefined =>
    length === undefined ? undefined : messagesIn(datagram.subarray(0, length));
  return {
    descriptor: socket.descriptor,
    send: (requests) => socket.send(requests, kernelAddress),
    sendNow: (requests) => socket.sendNow(requests, kernelAddress),
    receive: async () => read(await socket.receive(datagram)),
    receiveNow: () => read(socket.receiveNow(datagram)),
    close: socket.close,
  };
}

/** `struct sockaddr_nl`; the kernel chooses a port for 0, and has port 0 itself. */
function socketAddress(groups: number): Buffer {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF.netlink, 0);
  address.writeUInt32LE(groups, 8);
  return address;
}
const kernelAddress = socketAddress(0);

function messagesIn(datagram: Buffer): Messages {
  const messages: NetlinkMessage[] = [];
  for (let start = 0; start + HEADER <= datagram.length; ) {
    const length = datagram.readUInt32LE(start);
    if (length < HEADER) break;
    messages.push({
      type: datagram.readUInt16LE(start + 4),
      flags: datagram.readUInt16LE(start + 6),
      sequence: datagram.readUInt32LE(start + 8),
      body: datagram.subarray(start + HEADER, start + length),
    });
    start += aligned(length);
  }
  return messages;
}

export function encodeMessage({ type, flags, sequence, body }: NetlinkMessage): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(HEADER + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, body]);
}

export function attribute(type: number, value: Buffer): Buffer {
  const length = 4 + value.length;
  const encoded = Buffer.alloc(aligned(length));
  encoded.writeUInt16LE(length, 0);
  encoded.writeUInt16LE(type, 2);
  value.copy(encoded, 4);
  return encoded;
}

/** Values of attributes by their types; of those that come twice the last. */
export function attributesIn(encoded: Buffer): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let start = 0; start + 4 <= encoded.length; ) {
    const length = encoded.readUInt16LE(start);
    if (length < 4) break;
    // The two highest bits say how the value is written, not what it is.
    attributes.set(encoded.readUInt16LE(start + 2) & 0x3fff, encoded.subarray(start + 4, start + length));
    start += aligned(length);
  }
  return attributes;
}

/** A text of the kernel, without the zero at its end. */
export function textOf(value: Buffer): string {
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

/** Why the kernel did not do what it was asked, or ended a list, by its errno's name and in its own words where it has some. */
export function refusalIn({
  type,
  flags,
  body,
}: NetlinkMessage): { readonly code: string; readonly message: string } | undefined {
  const errno = body.readInt32LE(0);
  if (errno >= 0) return undefined;
  const code = getSystemErrorName(errno);
  if ((flags & NLM_F_ACK_TLVS) === 0) return { code, message: getSystemErrorMessage(errno) };
  const isCapped = (flags & NLM_F_CAPPED) !== 0;
  // An error quotes the request, or its header.
  const quoted = type === NLMSG.done ? 0 : isCapped ? HEADER : aligned(body.readUInt32LE(4));
  const words = attributesIn(body.subarray(4 + quoted)).get(NLMSGERR_ATTR_MSG);
  return { code, message: words === undefined ? getSystemErrorMessage(errno) : textOf(words) };
}
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

function aligned(length: number): number {
  return (length + 3) & ~3;
}
