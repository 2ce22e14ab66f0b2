import type { SchedulerLike } from 'rxjs';
import { inBatches } from '../batches.ts';
import type { KernelAction } from '../domain/action.ts';
import { familyOf } from '../domain/address.ts';
import { type KernelAddress, type KernelEvent, type KernelPlace, kernelKey } from '../domain/kernel.ts';
import { BATCH_MS, lifetimeSeconds, outlastsProof, type Session } from '../domain/session.ts';
import type { View } from '../domain/view.ts';
import {
  type AddressChange,
  type AddressSetter,
  type ChangeError,
  MOST_AT_ONCE,
  NO_ANSWER,
} from '../kernel/address-setter.ts';
import type { LocalStore } from '../local.ts';

/** What kernel actions rest on. */
export interface KernelContext {
  readonly session: View['session'];
  readonly settings: Pick<View['settings'], 'label'>;
}

/** One kernel action and what came of it. */
export interface KernelOutcome {
  readonly action: KernelAction;
  readonly error: ChangeError | undefined;
}

export interface AddressDependencies {
  readonly setter: Pick<AddressSetter, 'change'>;
  readonly scheduler: SchedulerLike;
  /** What may be on an interface: from before it is added until the kernel says that it is off. */
  readonly local: Pick<LocalStore, 'recorded' | 'record' | 'forget'>;
  /** Told what the kernel says that it did, in the moment that it says so: its event is read later. */
  readonly answered: (events: readonly KernelEvent[]) => void;
  /** Called before an IPv4 address with a prefix shorter than 32 is put on an interface. */
  readonly allowSecondaries: (interfaceName: string) => void;
}

/**
 * What a batch may cost, so that it takes far less than BATCH_MS and holds no removal up: 1,000 IPv6 renewals were
 * measured at 330 ms, IPv4 at 25 ms.
 */
const BATCH_COST = 400;
const COST = { 4: 1, 6: 4 } as const;

const tooSlow: ChangeError = { code: 'TOO_SLOW', message: `the kernel took more than ${BATCH_MS} ms` };

/**
 * Whether an error says that the address is not there. That there is no such interface says nothing: it may have been
 * renamed, and the address with it. The kernel's listing tells.
 */
export function isAbsent({ code }: ChangeError): boolean {
  return code === 'EADDRNOTAVAIL';
}

/**
 * Performs kernel actions, removals first, and answers for those that it got round to: all removals, and one batch of
 * others. Lifetimes are worked out at the very last moment, when the kernel has just shown that it is not busy.
 */
export function performKernel(deps: AddressDependencies) {
  return async (
    actions: readonly KernelAction[],
    { session, settings: { label } }: KernelContext,
  ): Promise<readonly KernelOutcome[]> => {
    const { local } = deps;
    const removals = actions.filter(({ kind }) => kind === 'remove');
    const others = session === 'adopting' || session === null ? [] : firstToPut(actions);
    const before = local.recorded();
    const putAll = () => put(deps, others, session as Session, label);
    // The kernel is asked whether it is free while the record is written; what it is to do is named after that.
    const putting = removals.length === 0 ? putAll() : undefined;
    // All of it and at once, before anything is awaited: no decision meanwhile may take an address for absent that
    // is about to be added, and give its mark to another node. (A renewal adds, too, what has just run out.)
    local.record(others.map(kernelKey));
    const removed = await remove(deps, removals, label);
    const answered = await (putting ?? putAll());
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
  const isThere = outcome.error?.code === 'EEXIST';
  return isThere && recorded.has(kernelKey(outcome.action)) ? { ...outcome, error: undefined } : outcome;
}

function isRefused(error: ChangeError | undefined): boolean {
  return error !== undefined && error !== tooSlow && error.code !== NO_ANSWER;
}

/** Takes addresses off; one that is not there is off. */
async function remove(
  deps: AddressDependencies,
  actions: readonly KernelAction[],
  label: string,
): Promise<readonly KernelOutcome[]> {
  const outcomes: KernelOutcome[] = [];
  for (const batch of inBatches(actions, MOST_AT_ONCE))
    outcomes.push(...(await removeSome(deps, batch, label)));
  return outcomes;
}

async function removeSome(
  { setter, local, answered }: AddressDependencies,
  actions: readonly KernelAction[],
  label: string,
): Promise<readonly KernelOutcome[]> {
  const errors = await setter.change(interfacesOf(actions), () =>
    actions.map((action) => ({ kind: 'remove', ...placeOf(action) })),
  );
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
  for (const { kind, address, prefixLength, interface: name } of wanted) {
    if (kind === 'add' && familyOf(address) === 4 && prefixLength < 32) deps.allowSecondaries(name);
  }
  const outcomes: KernelOutcome[] = [];
  for (const batch of inBatches(wanted, MOST_AT_ONCE))
    outcomes.push(...(await putSome(deps, batch, session, label)));
  return outcomes;
}

async function putSome(
  deps: AddressDependencies,
  wanted: readonly KernelAction[],
  session: Session,
  label: string,
): Promise<readonly KernelOutcome[]> {
  const { setter, scheduler, answered } = deps;
  let lifetime = 0;
  let actions: readonly KernelAction[] = [];
  const errors = await setter.change(interfacesOf(wanted), () => {
    lifetime = lifetimeSeconds(session, scheduler.now());
    actions = lifetime < 1 ? [] : wanted.filter((action) => !isTooLate(action, lifetime));
    return actions.map((action) => changeOf(action, lifetime, label));
  });
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
  return outcomes.map(({ action, error }) => ({ action, error: error ?? tooSlow }));
}

/** As the kernel's event has it. */
function entryOf(action: KernelAction, expiresAt: number, label: string): KernelAddress {
  return { ...placeOf(action), label: labelOf(action, label) ?? null, expiresAt, duplicate: false };
}

/** A renewal decided on before the proof was worth a second less: it would shorten what it should lengthen. */
function isTooLate(action: KernelAction, lifetime: number): boolean {
  return action.kind === 'renew' && action.seconds > lifetime;
}

function changeOf(action: KernelAction, lifetimeSeconds: number, label: string): AddressChange {
  const kind = action.kind === 'add' ? 'add' : 'renew';
  return { kind, ...placeOf(action), label: labelOf(action, label), lifetimeSeconds };
}

function interfacesOf(actions: readonly KernelAction[]): ReadonlySet<string> {
  return new Set(actions.map((action) => action.interface));
}

function placeOf({ address, prefixLength, interface: name }: KernelAction): KernelPlace {
  return { address, prefixLength, interface: name };
}

/** IPv6 has no labels. */
function labelOf({ address, interface: name }: KernelAction, label: string): string | undefined {
  return familyOf(address) === 4 ? `${name}:${label}` : undefined;
}
