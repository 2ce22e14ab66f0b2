import { type Kernel, kernelKey } from '../domain/kernel.ts';
import {
  encodeMessage,
  type NetlinkMessage,
  type NetlinkSocket,
  NLM_F,
  NLMSG,
  netlinkSocket,
  refusalIn,
} from './netlink.ts';
import { type LinkNames, listQuestion, RTM, readAddress, readLink, readRoute } from './rtnetlink.ts';

export interface ListingOptions {
  /** Monotonic, ms. */
  readonly now: () => number;
  /** The names that links have are put there. */
  readonly names?: LinkNames;
  readonly open?: () => NetlinkSocket;
}

/** How often a list is begun anew that changed while it was read. */
const MOST_ATTEMPTS = 20;

/** Addresses, links and routes of this host, asked of rtnetlink(7). @throws what the kernel says */
export async function listKernel({
  now,
  names = new Map(),
  open = netlinkSocket,
}: ListingOptions): Promise<Kernel> {
  const socket = open();
  try {
    const links = await list(socket, 'getLink', (body) => {
      const link = readLink(body);
      if (link !== undefined) names.set(link.index, link.name);
      return link;
    });
    const addresses = await list(socket, 'getAddress', (body) => readAddress(body, names, now()));
    const routes = await list(socket, 'getRoute', (body) => readRoute(body, names));
    return {
      links: new Map(links.map((link) => [link.name, link])),
      addresses: new Map(addresses.map((address) => [kernelKey(address), address])),
      routes,
    };
  } finally {
    socket.close();
  }
}

type Read<T> = (body: Buffer) => T | undefined;

async function list<T>(
  socket: NetlinkSocket,
  question: 'getLink' | 'getAddress' | 'getRoute',
  read: Read<T>,
): Promise<readonly T[]> {
  const type = RTM[question];
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const found = await listOnce(socket, type, read);
    if (found !== undefined) return found;
  }
  throw new Error(`${question}: what it lists changed ${MOST_ATTEMPTS} times while it was read`);
}

/** Undefined where what is listed changed meanwhile, so that something may be missing. */
async function listOnce<T>(
  socket: NetlinkSocket,
  type: number,
  read: Read<T>,
): Promise<readonly T[] | undefined> {
  const flags = NLM_F.request | NLM_F.dump;
  await socket.send(encodeMessage({ type, flags, sequence: 0, body: listQuestion(type) }));
  const found: T[] = [];
  let isInterrupted = false;
  for (;;) {
    // The kernel goes on with its list while this is read: that may take its time.
    const messages = await socket.receive();
    if (messages === undefined) throw new Error('the kernel did not end its list');
    for (const message of messages) {
      if ((message.flags & NLM_F.interrupted) !== 0) isInterrupted = true;
      if (isEnd(message)) return isInterrupted ? undefined : found;
      const entry = read(message.body);
      if (entry !== undefined) found.push(entry);
    }
  }
}

function isEnd(message: NetlinkMessage): boolean {
  if (message.type !== NLMSG.error && message.type !== NLMSG.done) return false;
  const refusal = refusalIn(message);
  if (refusal !== undefined) throw new Error(`the kernel ended its list: ${refusal.message}`);
  return true;
}
