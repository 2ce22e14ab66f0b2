import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import { inBatches } from '../batches.ts';
import type { KernelPlace } from '../domain/kernel.ts';
import { BATCH_MS } from '../domain/session.ts';
import { SystemError } from './libc.ts';
import {
  encodeMessage,
  MAKE,
  type NetlinkMessage,
  type NetlinkSocket,
  NLM_F,
  NLMSG,
  netlinkSocket,
  readVerdict,
} from './netlink.ts';
import { linkQuestion, RTM, readLink, writeAddress } from './rtnetlink.ts';

export type AddressChange =
  | (KernelPlace & { readonly kind: 'remove' })
  | (KernelPlace & {
      /** An address to be renewed that is not there any more is added. */
      readonly kind: 'add' | 'renew';
      /** IPv4 only. */
      readonly label?: string | undefined;
      readonly lifetimeSeconds: number;
    });

/** Why the kernel did not do what it was asked. */
export interface ChangeError {
  /** The errno's name (EEXIST …), NO_ANSWER or LATE. */
  readonly code: string;
  readonly message: string;
}

/** Of what has this code nobody knows whether it took effect. */
export const NO_ANSWER = 'NO_ANSWER';

/** Not done: the kernel was busy for longer than lifetimes allow for. */
export const LATE = 'LATE';

type Verdict = ChangeError | undefined;

/** Sets addresses of this host, by rtnetlink(7); answers an error, or undefined, for each change, in order. */
export interface AddressSetter {
  /** Waits for as long as the kernel takes, be it hung, while all else goes on. */
  readonly change: (changes: readonly AddressChange[]) => Promise<readonly Verdict[]>;
  /** For who is about to end: all else waits. */
  readonly removeNow: (places: readonly KernelPlace[]) => readonly Verdict[];
  readonly close: () => void;
}

/** So many changes a request: their answers fit into the smallest buffer that the kernel keeps for a reader. */
const MOST_AT_ONCE = 128;

export function addressSetter(open: () => NetlinkSocket = netlinkSocket): AddressSetter {
  let socket: NetlinkSocket | undefined;
  let before: Promise<unknown> = Promise.resolve();

  const changeSome = async (
    changes: readonly AddressChange[],
    askedAt: number,
  ): Promise<readonly Verdict[]> => {
    try {
      socket ??= open();
      const talk = conversation(changes, askedAt);
      let turn = talk.next();
      while (!turn.done) {
        await socket.send(turn.value.bytes);
        turn = talk.next(answersTo(turn.value, socket));
      }
      return turn.value;
    } catch (error) {
      return allUnanswered(changes, error);
    }
  };

  const changeAll = async (
    changes: readonly AddressChange[],
    askedAt: number,
  ): Promise<readonly Verdict[]> => {
    const verdicts: Verdict[] = [];
    for (const batch of inBatches(changes, MOST_AT_ONCE))
      verdicts.push(...(await changeSome(batch, askedAt)));
    return verdicts;
  };

  return {
    change: (changes) => {
      const askedAt = performance.now();
      // One after the other: they read their answers from one socket.
      const changing = before.then(() => changeAll(changes, askedAt));
      before = changing;
      return changing;
    },
    removeNow: (places) => {
      const removals = places.map((place) => ({ kind: 'remove', ...place }) as const);
      try {
        const own = open();
        const verdicts = inBatches(removals, MOST_AT_ONCE).flatMap((batch) => changeSomeNow(batch, own));
        own.close();
        return verdicts;
      } catch (error) {
        return allUnanswered(removals, error);
      }
    },
    close: () => {
      socket?.close();
      socket = undefined;
    },
  };
}

function changeSomeNow(changes: readonly AddressChange[], socket: NetlinkSocket): readonly Verdict[] {
  const talk = conversation(changes, performance.now());
  let turn = talk.next();
  while (!turn.done) {
    socket.sendNow(turn.value.bytes);
    turn = talk.next(answersTo(turn.value, socket));
  }
  return turn.value;
}

/** Questions as the kernel reads them; its answers bear the sequence numbers from `first` on. */
interface Request {
  readonly bytes: Buffer;
  readonly first: number;
  readonly count: number;
}
/** One for each question, in order; undefined where there is none. */
type Answers = readonly (NetlinkMessage | undefined)[];

/** What is asked of the kernel, one request after the other, each to be answered before the next one. */
function* conversation(
  changes: readonly AddressChange[],
  askedAt: number,
): Generator<Request, readonly Verdict[], Answers> {
  // Asked anew each time: links come, go and are renamed.
  const names = [...new Set(changes.map((change) => change.interface))];
  const found = yield requestOf(
    names.map((name) => ({ type: RTM.getLink, flags: NLM_F.request, body: linkQuestion(name) })),
  );
  const links = new Map(names.map((name, index) => [name, linkIn(found[index], name)]));
  // The kernel sets addresses under the lock under which it tells of links: now it is most likely free.
  const isLate = performance.now() - askedAt > BATCH_MS;
  const obstacles = new Map(
    changes.map((change) => {
      const link = links.get(change.interface);
      if (typeof link === 'object') return [change, link];
      return [change, isLate && change.kind !== 'remove' ? late : undefined];
    }),
  );
  const possible = changes.filter((change) => obstacles.get(change) === undefined);
  if (possible.length === 0) return changes.map((change) => obstacles.get(change));
  const done = yield requestOf(
    possible.map((change) => ({
      ...HOW[change.kind],
      body: writeAddress(change, links.get(change.interface) as number),
    })),
  );
  const verdicts = new Map(possible.map((change, index) => [change, errorOf(done[index])]));
  return changes.map((change) => obstacles.get(change) ?? verdicts.get(change));
}

const ASKED = NLM_F.request | NLM_F.acknowledge;
const HOW = {
  remove: { type: RTM.deleteAddress, flags: ASKED },
  add: { type: RTM.newAddress, flags: ASKED | MAKE.create | MAKE.exclusive },
  renew: { type: RTM.newAddress, flags: ASKED | MAKE.replace },
} as const;

const late: ChangeError = { code: LATE, message: `the kernel was busy for more than ${BATCH_MS} ms` };

/** The link's number, or why there is none. */
function linkIn(answer: NetlinkMessage | undefined, name: string): number | ChangeError {
  const link = answer?.type === RTM.newLink ? readLink(answer.body) : undefined;
  return link?.index ?? errorOf(answer, `interface ${name}: `) ?? unanswered('the kernel told of no link');
}

function errorOf(answer: NetlinkMessage | undefined, subject = ''): ChangeError | undefined {
  if (answer === undefined) return unanswered('the kernel did not answer');
  if (answer.type !== NLMSG.error) return undefined;
  const { errno, text } = readVerdict(answer);
  if (errno === 0) return undefined;
  const words = text === '' ? getSystemErrorMessage(errno) : text;
  return { code: getSystemErrorName(errno), message: `${subject}${words}` };
}

function unanswered(reason: string): ChangeError {
  return { code: NO_ANSWER, message: `no answer: ${reason}` };
}

function allUnanswered(changes: readonly AddressChange[], error: unknown): readonly ChangeError[] {
  if (!(error instanceof SystemError)) throw error;
  return changes.map(() => unanswered(error.message));
}

/** Of all that this process ever asks: what an error left in a socket is no answer to the next request. */
let lastSequence = 0;

function requestOf(questions: readonly Omit<NetlinkMessage, 'sequence'>[]): Request {
  const first = lastSequence + 1;
  lastSequence += questions.length;
  const messages = questions.map((each, index) => encodeMessage({ ...each, sequence: first + index }));
  return { bytes: Buffer.concat(messages), first, count: questions.length };
}

/** The kernel has answered by the time at which it took the request. */
function answersTo({ first, count }: Request, { receiveNow }: NetlinkSocket): Answers {
  const answers: (NetlinkMessage | undefined)[] = Array(count).fill(undefined);
  for (let messages = receiveNow(); messages !== undefined; messages = receiveNow()) {
    for (const message of messages) {
      const index = message.sequence - first;
      if (index >= 0 && index < count) answers[index] = { ...message, body: Buffer.from(message.body) };
    }
  }
  return answers;
}
