import type { Timeline } from './timeline.ts';

/** The way between one host and etcd. */
export interface Link {
  /** Whether what the host sends arrives, and whether what etcd answers does. */
  requestsPass: boolean;
  answersPass: boolean;
  /** How many requests and answers are lost, 0 to 1. */
  requestLoss: number;
  answerLoss: number;
  /** What requests, and what answers, take longer than usual. */
  requestsLateMs: number;
  answersLateMs: number;
  /** How far the watch lags behind. */
  watchLagMs: number;
  /** How many batches of the watch come twice, 0 to 1. */
  watchRepeats: number;
  /** A leader that the others deposed, and that acknowledges keepalives all the same. */
  deposed: Deposed | undefined;
  /** Streams that are open; cutting them tells the client at once. */
  readonly streams: Set<Stream>;
}

export interface Deposed {
  readonly term: string;
  readonly until: number;
  /** How many keepalives, and how many other requests, still go to it: 0 to 1. */
  readonly keepAlives: number;
  readonly others: number;
}

export interface Stream {
  readonly reset: () => void;
  readonly flush: () => void;
  readonly stall: () => void;
  /** Open, and all that happened is delivered. */
  readonly isUpToDate: () => boolean;
}

export function linkOf(): Link {
  return {
    requestsPass: true,
    answersPass: true,
    requestLoss: 0,
    answerLoss: 0,
    requestsLateMs: 0,
    answersLateMs: 0,
    watchLagMs: 0,
    watchRepeats: 0,
    deposed: undefined,
    streams: new Set(),
  };
}

export function isWhole({ requestsPass, answersPass }: Link): boolean {
  return requestsPass && answersPass;
}

export function cut(link: Link, direction: 'both' | 'requests' | 'answers'): void {
  if (direction !== 'answers') link.requestsPass = false;
  if (direction !== 'requests') link.answersPass = false;
  for (const stream of [...link.streams]) stream.stall();
}

export function mend(link: Link): void {
  link.requestsPass = true;
  link.answersPass = true;
  for (const stream of [...link.streams]) stream.flush();
}

/** The leader that this host still talks to, while the others have deposed it. */
export function deposedOf({ deposed }: Link, timeline: Timeline): Deposed | undefined {
  return deposed !== undefined && timeline.now() < deposed.until ? deposed : undefined;
}
