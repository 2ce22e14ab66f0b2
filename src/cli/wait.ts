import { constants } from 'node:os';
import {
  defer,
  EMPTY,
  filter,
  firstValueFrom,
  map,
  merge,
  NEVER,
  type Observable,
  take,
  tap,
  timer,
} from 'rxjs';
import { monotonicScheduler } from '../clock.ts';
import type { Address } from '../domain/address.ts';
import type { Cluster } from '../domain/cluster.ts';
import { follow$ } from '../streams/cluster.ts';
import { durationText, readDuration } from './duration.ts';
import { CommandError, EXIT } from './exit.ts';
import type { Operator } from './operator.ts';
import { type Progress, progressFor } from './progress.ts';
import type { EtcdSession } from './with-etcd.ts';

/** How long a command stays until the agents have done what it asked for. */
export interface WaitOptions {
  /** False: not at all. */
  readonly wait?: boolean;
  /** As typed: `30s`. */
  readonly timeout?: string;
}

/** What is known of a command that the agents carry out. */
export type Outlook =
  | { readonly kind: 'done' }
  /** `left`: what is still to happen, as it follows "waiting until ". */
  | { readonly kind: 'waiting'; readonly left: string }
  /** It will not come to that. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface Waiting {
  /** What was asked for: told once Ctrl-C is heard, so that whoever reads it may press that. */
  readonly opening: string;
  readonly look: (cluster: Cluster) => Outlook;
  /** Addresses of which each new holder is told. */
  readonly isOfInterest: (address: Address, from: string | null, to: string) => boolean;
  /** What it looked like before the command did anything. */
  readonly before: Cluster;
  /** Undefined: until it is done. */
  readonly limitMs?: number | undefined;
  /** What stays, or does not, when the command ends early. */
  readonly remains: string;
}

/** The limit as typed, ms. */
export function limitOf({ timeout }: WaitOptions): number | undefined {
  return timeout === undefined ? undefined : readDuration('--timeout', timeout);
}

/**
 * Follows etcd until the agents have done their part, and tells each step.
 * @throws CommandError with status 1 when it fails or takes too long, 128 + the signal's number when interrupted
 */
export async function untilDone(session: EtcdSession, operator: Operator, waiting: Waiting): Promise<void> {
  const progress = progressFor(operator);
  const { limitMs, remains } = waiting;
  let left = 'etcd answers';
  const outlook$ = outlooks$(session, operator, progress, waiting).pipe(
    tap((outlook) => {
      if (outlook.kind !== 'waiting') return;
      left = outlook.left;
      progress.waitingFor(`waiting until ${left} …`);
    }),
  );
  const ended$ = merge(
    outlook$.pipe(filter((outlook) => outlook.kind !== 'waiting')),
    operator.interrupted$.pipe(
      take(1),
      map((signal) => ({ kind: 'interrupted', signal }) as const),
    ),
    limitMs === undefined
      ? NEVER
      : timer(limitMs, monotonicScheduler).pipe(map(() => ({ kind: 'timeout', limitMs }) as const)),
  );
  const ended = await firstValueFrom(
    merge(
      ended$,
      defer(() => tell(progress, waiting.opening)),
    ),
  );
  progress.clear();
  if (ended.kind === 'done') return;
  if (ended.kind === 'failed') throw new CommandError(EXIT.failed, ended.reason);
  if (ended.kind === 'timeout') {
    const after = durationText(ended.limitMs);
    throw new CommandError(EXIT.failed, `waited ${after} until ${left}; ${remains}`);
  }
  const status = 128 + constants.signals[ended.signal];
  throw new CommandError(status, `interrupted while waiting until ${left}; ${remains}`);
}

function tell(progress: Progress, text: string): Observable<never> {
  progress.happened(text);
  return EMPTY;
}

function outlooks$(
  { etcd, keys }: EtcdSession,
  operator: Operator,
  progress: Progress,
  { look, isOfInterest, before }: Waiting,
): Observable<Outlook> {
  const holders = new Map([...before.guards.values()].map(({ address, holder }) => [address, holder]));
  // An address on its way is nobody's for a moment: what counts is who had it last.
  const tellNewHolders = (cluster: Cluster): void => {
    for (const { address, holder } of cluster.guards.values()) {
      const from = holders.get(address) ?? null;
      if (from === holder) continue;
      holders.set(address, holder);
      if (isOfInterest(address, from, holder))
        progress.happened(`${address}: ${from ?? 'nobody'} -> ${holder}`);
    }
  };
  return follow$({ etcd, keys, scheduler: monotonicScheduler }).pipe(
    tap((event) => event.kind === 'disconnected' && operator.warn(`${event.error.message}; trying on`)),
    filter((event) => event.kind === 'cluster'),
    tap(({ cluster }) => tellNewHolders(cluster)),
    map(({ cluster }) => look(cluster)),
  );
}
