import { inBatches } from '../batches.ts';
import type { KernelPlace } from '../domain/kernel.ts';
import { SystemError } from './libc.ts';
import {
  encodeMessage,
  MAKE,
  type NetlinkMessage,
  type NetlinkSocket,
  NLM_F,
  NLMSG,
  netlinkSocket,
  refusalIn,
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
  /** The errno's name (EEXIST …), or NO_ANSWER. */
  readonly code: string;
  readonly message: string;
}

/** Of what has this code nobody knows whether it took effect. */
export const NO_ANSWER = 'NO_ANSWER';

type Verdict = ChangeError | undefined;

/** So many changes a request: their answers fit into the smallest buffer that the kernel keeps for a reader. */
export const MOST_AT_ONCE = 128;

/** Sets addresses of this host, by rtnetlink(7). */
export interface AddressSetter {
  /**
   * Asks the kernel for the numbers of these interfaces, which waits for the lock that the changes need; once it has answered,
   * makes those that `changes` names then. Answers an error, or undefined, for each change, in order. Waits for as long as the kernel
   * takes, be it hung, while all else goes on.
   */
  readonly change: (
    interfaces: ReadonlySet<string>,
    changes: () => readonly AddressChange[],
  ) => Promise<readonly Verdict[]>;
  /** For who is about to end: all else waits. */
  readonly removeNow: (places: readonly KernelPlace[]) => readonly Verdict[];
  readonly close: () => void;
}

export function addressSetter(open: () => NetlinkSocket = netlinkSocket): AddressSetter {
  let socket: NetlinkSocket | undefined;
  let underWay: Promise<unknown> | undefined;

  const carryOut = async (talk: Conversation): Promise<readonly Verdict[]> => {
    socket ??= open();
    let turn = talk.next();
    while (!turn.done) {
      await socket.send(turn.value.bytes);
      turn = talk.next(answersTo(turn.value, socket));
    }
    return turn.value;
  };

  return {
    change: (interfaces, changes) => {
      // Named once, also where the kernel cannot be asked.
      let named: readonly AddressChange[] | undefined;
      const naming = () => (named ??= changes());
      const begin = () =>
        carryOut(conversation(interfaces, naming)).catch((error) => allUnanswered(naming(), error));
      // One after the other, as they read their answers from one socket; the first one at once.
      const changing = underWay === undefined ? begin() : underWay.then(begin);
      underWay = changing;
      const end = () => {
        if (underWay === changing) underWay = undefined;
      };
      changing.then(end, end);
      return changing;
    },
    removeNow: (places) => {
      const removals = places.map((place) => ({ kind: 'remove', ...place }) as const);
      try {
        const own = open();
        try {
          return inBatches(removals, MOST_AT_ONCE).flatMap((batch) => removeSome(batch, own));
        } finally {
          own.close();
        }
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

function removeSome(changes: readonly AddressChange[], socket: NetlinkSocket): readonly Verdict[] {
  const talk = conversation(new Set(changes.map((change) => change.interface)), () => changes);
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

type Conversation = Generator<Request, readonly Verdict[], Answers>;

/** What is asked of the kernel, one request after the other, each to be answered before the next one. */
function* conversation(
  interfaces: ReadonlySet<string>,
  changes: () => readonly AddressChange[],
): Conversation {
  // Asked anew each time: links come, go and are renamed.
  const names = [...interfaces];
  const found = yield requestOf(
    names.map((name) => ({ type: RTM.getLink, flags: NLM_F.request, body: linkQuestion(name) })),
  );
  const links = new Map(names.map((name, index) => [name, linkIn(found[index], name)]));
  const wanted = changes().map((change) => ({
    change,
    link: links.get(change.interface) ?? notAsked(change),
  }));
  const possible = wanted.flatMap(({ change, link }) => (typeof link === 'number' ? [{ change, link }] : []));
  if (possible.length === 0) return wanted.map(({ link }) => link as ChangeError);
  const done = yield requestOf(
    possible.map(({ change, link }) => ({ ...HOW[change.kind], body: writeAddress(change, link) })),
  );
  const answers = done.values();
  return wanted.map(({ link }) => (typeof link === 'number' ? errorOf(answers.next().value) : link));
}

function notAsked(change: AddressChange): never {
  throw new Error(`a change on ${change.interface}, which was not asked for`);
}

const ASKED = NLM_F.request | NLM_F.acknowledge;
const HOW = {
  remove: { type: RTM.deleteAddress, flags: ASKED },
  add: { type: RTM.newAddress, flags: ASKED | MAKE.create | MAKE.exclusive },
  renew: { type: RTM.newAddress, flags: ASKED | MAKE.replace },
} as const;

/** The link's number, or why there is none. */
function linkIn(answer: NetlinkMessage | undefined, name: string): number | ChangeError {
  const link = answer?.type === RTM.newLink ? readLink(answer.body) : undefined;
  return link?.index ?? errorOf(answer, `interface ${name}: `) ?? unanswered('the kernel told of no link');
}

function errorOf(answer: NetlinkMessage | undefined, subject = ''): ChangeError | undefined {
  if (answer === undefined) return unanswered('the kernel did not answer');
  if (answer.type !== NLMSG.error) return undefined;
  const refusal = refusalIn(answer);
  return refusal && { code: refusal.code, message: `${subject}${refusal.message}` };
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
