import type { Action, EtcdAction, KernelAction, Placement } from './action.ts';
import type { Address } from './address.ts';
import { wantedPresence, wantedSession, whyAdvertise } from './announcement.ts';
import { type Holding, holdingsOf, whyNotServing } from './holdings.ts';
import { hostPart, type KernelAddress, type KernelPlace, linkPart, parseKernelKey } from './kernel.ts';
import { isOverdue, isProven, lifetimeSeconds } from './session.ts';
import { decideTidying } from './tidying.ts';
import { isOwn, type View } from './view.ts';

/**
 * What is missing: the whole decision of the daemon. Total, deterministic, and without memory: it sees the newest
 * view and answers with every step that can be taken now. A view in which all is well has no answer.
 */
export function decide(view: View): readonly Action[] {
  // Before the first listing a live lease of the previous run may hold anything: what is there stays, by its lifetime.
  if (view.session === 'adopting' || (view.session !== null && view.planned === null && !view.stopping))
    return [];
  const holdings = holdingsOf(view);
  const own = ownAddresses(view);
  const unseen = unseenAddresses(view);
  const kernel = decideKernel(view, holdings, own, unseen);
  return [...kernel, ...decideEtcd(view, holdings, own, unseen)];
}

/** Every address of yaim's on this host's interfaces. */
export function ownAddresses(view: View): readonly KernelAddress[] {
  return [...ownByKey(view).values()];
}

/** The same by kernel key. */
export function ownByKey(view: View): ReadonlyMap<string, KernelAddress> {
  const { kernel, settings, local } = view;
  const homeless = homelessAddresses(view);
  const own = new Map<string, KernelAddress>();
  for (const [key, address] of kernel.addresses) {
    const isHomeless = homeless.size > 0 && address.expiresAt < Infinity && homeless.has(hostPart(key));
    if (isHomeless || isOwn(address, settings, local, key)) own.set(key, address);
  }
  return own;
}

/** Ours, put on an interface that is not there any more: if it was renamed, they are on it under its new name. */
function homelessAddresses({ kernel, local }: View): ReadonlySet<string> {
  const homeless = new Set<string>();
  for (const key of local.recorded)
    if (!kernel.addresses.has(key) && !kernel.links.has(linkPart(key))) homeless.add(hostPart(key));
  return homeless;
}

/**
 * What `ip` was told to add and the kernel does not show: it may be about to, or it shows it no more. The kernel's
 * events lag behind, so that only `ip`'s answer to a removal says that an address is off.
 */
function unseenAddresses({ kernel, local }: View): readonly KernelPlace[] {
  return [...local.recorded].flatMap((key) =>
    // With an interface its addresses go, or stay under its new name: see homelessAddresses.
    kernel.addresses.has(key) || !kernel.links.has(linkPart(key)) ? [] : (parseKernelKey(key) ?? []),
  );
}

/** Rule 1: what is on an interface is held, provably, or it goes. What is held is on an interface. */
function decideKernel(
  view: View,
  holdings: ReadonlyMap<Address, Holding>,
  own: readonly KernelAddress[],
  unseen: readonly KernelPlace[],
): readonly KernelAction[] {
  const actions: KernelAction[] = [];
  const present = new Set<Address>();
  for (const entry of own) {
    const { address, prefixLength } = entry;
    const where = { interface: entry.interface, prefixLength };
    const holding = holdings.get(address);
    if (holding?.kind === 'keep' && isAt(entry, holding.placement)) {
      present.add(address);
      const renewal = renewalOf(view, entry);
      if (renewal !== undefined) actions.push({ kind: 'renew', address, ...where, ...renewal });
    } else {
      const reason = whyRemove(view, holding, entry);
      actions.push({ kind: 'remove', address, ...where, reason });
    }
  }
  for (const entry of unseen) {
    const holding = holdings.get(entry.address);
    if (holding?.kind === 'keep' && isAt(entry, holding.placement)) continue;
    actions.push({ kind: 'remove', ...entry, reason: whyRemove(view, holding, entry) });
  }
  if (view.session === null || view.session === 'adopting' || lifetimeSeconds(view.session, view.now) < 1)
    return actions;
  for (const [address, holding] of holdings) {
    if (holding.kind !== 'keep' || present.has(address)) continue;
    // A mark that came back with older data was perhaps another node's since: not before that one's fences have fallen.
    if (view.planned?.withheld.has(address)) continue;
    actions.push({ kind: 'add', address, ...holding.placement, reason: 'this node holds the mark' });
  }
  return actions;
}

/** Order: releases free addresses for others and come first; being talked about comes last. */
function decideEtcd(
  view: View,
  holdings: ReadonlyMap<Address, Holding>,
  own: readonly KernelAddress[],
  unseen: readonly KernelPlace[],
): readonly EtcdAction[] {
  const { planned, session } = view;
  if (planned === null || session === 'adopting' || !isProven(session, view.now)) return [];
  const { cluster } = planned;
  const { leaseId } = session;
  const isOnInterface = new Set([...own, ...unseen].map(({ address }) => address));
  const releases = [...holdings.values()].flatMap((holding) =>
    holding.kind === 'release' && !isOnInterface.has(holding.release.address) ? [holding.release] : [],
  );
  const presence = wantedPresence(view);
  const present = cluster.nodes.get(view.settings.nodename);
  const withdraw = presence === null && present?.leaseId === leaseId;
  // The presence goes with the last mark: the others then see one change and plan once.
  const isLast = isOnInterface.size === 0 && ![...holdings.values()].some(({ kind }) => kind === 'keep');
  if (releases.length > 0 || (withdraw && isLast)) {
    const reason = releases[0]?.reason ?? whyNotServing(view) ?? 'the node is not ready';
    const release = { kind: 'release', releases, withdraw: withdraw && isLast, leaseId, reason } as const;
    const told = cluster.sessions.get(view.settings.nodename);
    const text = wantedSession(view, own);
    const isNews = release.withdraw && told?.leaseId === leaseId && told.text !== text;
    return [isNews ? { ...release, text } : release];
  }
  // What frees addresses for others is not held up by telling about it.
  if (withdraw) return [];
  const actions: EtcdAction[] = [];
  if (presence !== null && (present?.leaseId !== leaseId || present.text !== presence)) {
    const reason = whyAdvertise(present, presence, leaseId);
    actions.push({ kind: 'advertise', text: presence, leaseId, reason });
  }
  const claims = [...holdings.values()].flatMap((holding) =>
    holding.kind === 'claim' ? [holding.claim] : [],
  );
  if (claims.length > 0) actions.push({ kind: 'claim', claims, leaseId, reason: claims[0]?.reason ?? '' });
  actions.push(...decideTidying(view, isOnInterface));
  const wanted = wantedSession(view, own);
  const isPublished = cluster.sessions.get(view.settings.nodename)?.text === wanted;
  if (!isPublished) {
    actions.push({ kind: 'publish', text: wanted, leaseId, reason: 'state of this node changed' });
  }
  return actions;
}

function isAt(entry: KernelPlace, placement: Placement): boolean {
  return entry.interface === placement.interface && entry.prefixLength === placement.prefixLength;
}

/** A renewal that wins so much is due: nearly all that a second brings, so that there is one a second. */
const RENEWAL_MS = 850;
/** While no proof comes every bit counts: until then the lifetime lasts as long as the last proof allows. */
const OVERDUE_RENEWAL_MS = 250;

/** The lifetime that the address should be given anew, in seconds, and why; undefined while the present one will do. */
function renewalOf(
  { session, now }: View,
  { expiresAt }: KernelAddress,
): { readonly seconds: number; readonly reason: string } | undefined {
  if (session === null || session === 'adopting') return undefined;
  const seconds = lifetimeSeconds(session, now);
  if (seconds === 0) return undefined;
  // Changed by hand, or added by an `ip` that was too slow: the kernel would not remove it in time.
  if (expiresAt > session.provenUntil) return { seconds, reason: 'its lifetime outlasts the proof' };
  const won = now + seconds * 1000 - expiresAt;
  if (won >= Math.min(RENEWAL_MS, seconds * 250)) return { seconds, reason: 'the session was proven anew' };
  return won >= OVERDUE_RENEWAL_MS && isOverdue(session, now)
    ? { seconds, reason: 'the next proof is overdue' }
    : undefined;
}

function whyRemove(view: View, holding: Holding | undefined, entry: KernelPlace): string {
  if (!isProvenView(view))
    return view.session === null ? 'there is no session' : 'the session cannot be proven any more';
  if (holding?.kind === 'keep')
    return `it belongs on ${holding.placement.interface}/${holding.placement.prefixLength}`;
  if (holding?.kind === 'release') return holding.release.reason;
  return view.planned?.cluster.pool.has(entry.address)
    ? 'this node does not hold its mark'
    : 'it is not in the pool';
}

function isProvenView({ session, now }: View): boolean {
  return session !== 'adopting' && isProven(session, now);
}
