import type { SchedulerLike } from 'rxjs';
import type { KernelAction } from '../domain/action.ts';
import { type Address, familyOf } from '../domain/address.ts';
import { type KernelAddress, type KernelEvent, kernelKey } from '../domain/kernel.ts';
import { BATCH_MS, lifetimeSeconds, outlastsProof, type Session } from '../domain/session.ts';
import type { View } from '../domain/view.ts';
import { type IpBatch, isUnanswered } from '../kernel/ip-batch.ts';
import type { LocalStore } from '../local.ts';

/** What kernel actions rest on. */
export interface KernelContext {
  readonly session: View['session'];
  readonly settings: Pick<View['settings'], 'label'>;
}

/** One kernel action and what came of it; `error` is `ip`'s own text. */
export interface KernelOutcome {
  readonly action: KernelAction;
  readonly error: string | undefined;
}

export interface AddressDependencies {
  readonly ip: IpBatch;
  readonly scheduler: SchedulerLike;
  /** What may be on an interface: from before it is added until `ip` says that it is off. */
  readonly local: Pick<LocalStore, 'recorded' | 'record' | 'forget'>;
  /** Told what `ip` says that it did, in the moment that it says so: the kernel's own event takes another process to read. */
  readonly answered: (events: readonly KernelEvent[]) => void;
  /** Called before an IPv4 address with a prefix shorter than 32 is put on an interface. */
  readonly allowSecondaries: (interfaceName: string) => void;
}

/**
 * What a batch may cost, so that it takes far less than BATCH_MS and holds no removal up: 1,000 IPv6 renewals were
 * measured at 355 ms, IPv4 at 29 ms.
 */
const BATCH_COST = 400;
const COST = { 4: 1, 6: 4 } as const;

/** What `ip` says of an address that is there. */
const PRESENT = /Address already assigned|File exists/i;

const TOO_SLOW = `ip took more than ${BATCH_MS} ms`;

/**
 * What `ip` says of an address that is not there. That there is no such interface says nothing: it may have been renamed,
 * and the address with it. The kernel's listing tells.
 */
const ABSENT = /^(ipv[46]: address not found|Cannot assign requested address)/i;

export function isAbsent(error: string): boolean {
  return ABSENT.test(error);
}

/**
 * Performs kernel actions, removals first, and answers for those that it got round to: all removals, and one batch of
 * others. Lifetimes are worked out at the very last moment.
 */
export function performKernel(deps: AddressDependencies) {
  return async (
    actions: readonly KernelAction[],
    { session, settings: { label } }: KernelContext,
  ): Promise<readonly KernelOutcome[]> => {
    const { local } = deps;
    const removals = actions.filter(({ kind }) => kind === 'remove');
    const others = session === 'adopting' || session === null ? [] : firstToPut(actions);
    // All of it and at once, before anything is awaited: no decision meanwhile may take an address for absent that
    // is about to be added, and give its mark to another node. (A renewal adds, too, what has just run out.)
    const before = local.recorded();
    local.record(others.map(kernelKey));
    const removed = await remove(deps, removals, label);
    const answered = others.length === 0 ? [] : await put(deps, others, session as Session, label);
    const outcomes = [...removed, ...answered.map((outcome) => orThereAlready(outcome, before))];
    // What the kernel refused is not there, or somebody else's.
    const refused = outcomes.filter(({ action, error }) => action.kind !== 'remove' && isRefused(error));
    local.forget(refused.map(({ action }) => kernelKey(action)).filter((key) => !before.has(key)));
    return outcomes;
  };
}

/** What nobody has yet goes before what only needs more time; the rest is decided on anew. */
function firstToPut(actions: readonly KernelAction[]): readonly KernelAction[] {
  const of = (wanted: KernelAction['kind']) => actions.filter(({ kind }) => kind === wanted);
  let left = BATCH_COST;
  return [...of('add'), ...of('renew')].filter(({ address }) => {
    left -= COST[familyOf(address)];
    return left >= 0;
  });
}

/** Ours already is as good as added: the kernel's event has not come yet. */
function orThereAlready(outcome: KernelOutcome, recorded: ReadonlySet<string>): KernelOutcome {
  const isThere = outcome.error !== undefined && PRESENT.test(outcome.error);
  return isThere && recorded.has(kernelKey(outcome.action)) ? { ...outcome, error: undefined } : outcome;
}

function isRefused(error: string | undefined): boolean {
  return error !== undefined && error !== TOO_SLOW && !isUnanswered(error);
}

/** Takes addresses off; one that is not there is off. */
async function remove(
  { ip, local, answered }: AddressDependencies,
  actions: readonly KernelAction[],
  label: string,
): Promise<KernelOutcome[]> {
  if (actions.length === 0) return [];
  const errors = await ip.run(actions.map((action) => `address delete ${subjectOf(action)}`));
  const outcomes = actions.map((action, index) => {
    const error = errors[index];
    return { action, error: error !== undefined && isAbsent(error) ? undefined : error };
  });
  // What could not be taken off stays ours, whatever its interface is called by now.
  local.record(outcomes.flatMap(({ action, error }) => (error === undefined ? [] : [kernelKey(action)])));
  const off = outcomes.flatMap(({ action, error }) => (error === undefined ? [action] : []));
  local.forget(off.map(kernelKey));
  answered(off.map((action) => ({ kind: 'taken-off', address: entryOf(action, 0, label) })));
  return outcomes;
}

async function put(
  deps: AddressDependencies,
  wanted: readonly KernelAction[],
  session: Session,
  label: string,
): Promise<readonly KernelOutcome[]> {
  const { ip, scheduler, answered } = deps;
  for (const { kind, address, prefixLength, interface: name } of wanted) {
    if (kind === 'add' && familyOf(address) === 4 && prefixLength < 32) deps.allowSecondaries(name);
  }
  const lifetime = lifetimeSeconds(session, scheduler.now());
  const actions = lifetime < 1 ? [] : wanted.filter((action) => !isTooLate(action, lifetime));
  if (actions.length === 0) return [];
  const errors = await ip.run(actions.map((action) => lineOf(action, lifetime, label)));
  const outcomes = actions.map((action, index) => ({ action, error: errors[index] }));
  const now = scheduler.now();
  if (!outlastsProof(session, lifetime, now)) {
    const added = outcomes.filter(({ action, error }) => action.kind === 'add' && error === undefined);
    const expiresAt = now + lifetime * 1000;
    answered(added.map(({ action }) => ({ kind: 'put-on', address: entryOf(action, expiresAt, label) })));
    return outcomes;
  }
  // So slow that a lifetime could outlast the proof: off again at once; the next decision adds what still may be.
  const late = outcomes.filter(({ error }) => error === undefined);
  await remove(
    deps,
    late.map(({ action }) => ({ ...action, kind: 'remove', reason: 'it was added too late' })),
    label,
  );
  return outcomes.map(({ action, error }) => ({ action, error: error ?? TOO_SLOW }));
}

/** As the kernel's event has it. */
function entryOf(
  { address, prefixLength, interface: name }: KernelAction,
  expiresAt: number,
  label: string,
): KernelAddress {
  const labelled = familyOf(address) === 4 ? `${name}:${label}` : null;
  return { address, prefixLength, interface: name, label: labelled, expiresAt, duplicate: false };
}

/** A renewal decided on before the proof was worth a second less: it would shorten what it should lengthen. */
function isTooLate(action: KernelAction, lifetime: number): boolean {
  return action.kind === 'renew' && action.seconds > lifetime;
}

function lineOf(action: KernelAction, lifetime: number, label: string): string {
  const { kind, address, interface: name } = action;
  const flags = flagsOf(address, name, label);
  return `address ${kind === 'add' ? 'add' : 'change'} ${subjectOf(action)} ${flags} valid_lft ${lifetime} preferred_lft ${lifetime}`;
}

function subjectOf({ address, prefixLength, interface: name }: KernelAction): string {
  return `${address}/${prefixLength} dev ${name}`;
}

/** IPv6 has no labels, and would wait more than a second for duplicate detection: the mark is our detection. */
function flagsOf(address: Address, name: string, label: string): string {
  return familyOf(address) === 4 ? `label ${name}:${label}` : 'nodad';
}
