import type { Action, EtcdAction, KernelAction, Placement } from './action.ts';
import type { Address } from './address.ts';
import { wantedPresence, wantedSession, whyAdvertise } from './announcement.ts';
import { derived } from './derived.ts';
import { type Holding, holdingsIn, whyNotServing } from './holdings.ts';
import type { KernelAddress, KernelPlace } from './kernel.ts';
import { everywhereIn, ownIn, unseenIn } from './own.ts';
import { isOverdue, isProven, lifetimeSeconds } from './session.ts';
import { type Standing, standingOf } from './standing.ts';
import { decideTidying } from './tidying.ts';
import type { View } from './view.ts';

/**
 * What is missing: the whole decision of the daemon. Total, deterministic, and without memory: it sees the newest
 * view and answers with every step that can be taken now. A view in which all is well has no answer.
 */
export function decide(view: View): readonly Action[] {
  // Before the first listing a live lease of the previous run may hold anything: what is there stays, by its lifetime.
  if (view.session === 'adopting' || (view.session !== null && view.planned === null && !view.stopping))
    return [];
  const standing = standingOf(view);
  return [...decideKernel(view, standing), ...decideEtcd(view, standing)];
}

/** Rule 1: what is on an interface is held, provably, or it goes. What is held is on an interface. */
function decideKernel(view: View, standing: Standing): readonly KernelAction[] {
  const { kept, gone, absent } = placesIn(standing);
  const actions: KernelAction[] = [];
  const renewal = renewals(view);
  for (const key of kept) {
    const entry = view.kernel.addresses.get(key);
    if (entry === undefined) continue;
    const due = renewal(entry);
    if (due !== undefined) actions.push({ kind: 'renew', ...placeOf(entry), ...due });
  }
  for (const { place, holding } of gone)
    actions.push({ kind: 'remove', ...place, reason: whyRemove(view, holding, place) });
  if (view.session === null || view.session === 'adopting' || lifetimeSeconds(view.session, view.now) < 1)
    return actions;
  for (const place of absent) actions.push({ kind: 'add', ...place, reason: 'this node holds the mark' });
  return actions;
}

/** What is where it should be (by kernel key), what is not, and what is missing. */
const placesIn = derived((view: Standing) => {
  const holdings = holdingsIn(view);
  const kept: string[] = [];
  const gone: { readonly place: KernelPlace; readonly holding: Holding | undefined }[] = [];
  const present = new Set<Address>();
  for (const [key, entry] of ownIn(view)) {
    const holding = holdings.get(entry.address);
    if (holding?.kind === 'keep' && isAt(entry, holding.placement)) {
      present.add(entry.address);
      kept.push(key);
    } else gone.push({ place: placeOf(entry), holding });
  }
  for (const place of unseenIn(view)) {
    const holding = holdings.get(place.address);
    if (holding?.kind === 'keep' && isAt(place, holding.placement)) continue;
    gone.push({ place, holding });
  }
  const absent: KernelPlace[] = [];
  for (const [address, holding] of holdings) {
    if (holding.kind !== 'keep' || present.has(address)) continue;
    // A mark that came back with older data was perhaps another node's since: not before that one's fences have fallen.
    if (view.planned?.withheld.has(address)) continue;
    absent.push({ address, ...holding.placement });
  }
  return { kept, gone, absent };
});

function placeOf({ address, interface: name, prefixLength }: KernelPlace): KernelPlace {
  return { address, interface: name, prefixLength };
}

/** What is to be written about addresses, and whether any of them stays. */
const writesIn = derived((view: Standing) => {
  const holdings = [...holdingsIn(view).values()];
  const isOnInterface = everywhereIn(view);
  return {
    releases: holdings.flatMap((holding) =>
      holding.kind === 'release' && !isOnInterface.has(holding.release.address) ? [holding.release] : [],
    ),
    claims: holdings.flatMap((holding) => (holding.kind === 'claim' ? [holding.claim] : [])),
    // The presence goes with the last mark: the others then see one change and plan once.
    isLast: isOnInterface.size === 0 && !holdings.some(({ kind }) => kind === 'keep'),
  };
});

/** Order: releases free addresses for others and come first; being talked about comes last. */
function decideEtcd(view: View, standing: Standing): readonly EtcdAction[] {
  const { planned, leaseId } = standing;
  if (planned === null || leaseId === null) return [];
  const { cluster } = planned;
  const { releases, claims, isLast } = writesIn(standing);
  const presence = wantedPresence(view);
  const present = cluster.nodes.get(view.settings.nodename);
  const withdraw = presence === null && present?.leaseId === leaseId;
  const told = cluster.sessions.get(view.settings.nodename);
  const text = wantedSession(view);
  const isTold = told?.text === text;
  if (releases.length > 0 || (withdraw && isLast)) {
    const reason = releases[0]?.reason ?? whyNotServing(view) ?? 'the node is not ready';
    const release = { kind: 'release', releases, withdraw: withdraw && isLast, leaseId, reason } as const;
    return [release.withdraw && told?.leaseId === leaseId && !isTold ? { ...release, text } : release];
  }
  // What frees addresses for others is not held up by telling about it.
  if (withdraw) return [];
  const actions: EtcdAction[] = [];
  if (presence !== null && (present?.leaseId !== leaseId || present.text !== presence)) {
    const reason = whyAdvertise(present, presence, leaseId);
    actions.push({ kind: 'advertise', text: presence, leaseId, reason });
  }
  if (claims.length > 0) actions.push({ kind: 'claim', claims, leaseId, reason: claims[0]?.reason ?? '' });
  actions.push(...decideTidying(view, everywhereIn(standing)));
  if (!isTold) actions.push({ kind: 'publish', text, leaseId, reason: 'state of this node changed' });
  return actions;
}

function isAt(entry: KernelPlace, placement: Placement): boolean {
  return entry.interface === placement.interface && entry.prefixLength === placement.prefixLength;
}

/** A renewal that wins so much is due: nearly all that a second brings, so that there is one a second. */
const RENEWAL_MS = 850;
/** While no proof comes every bit counts: until then the lifetime lasts as long as the last proof allows. */
const OVERDUE_RENEWAL_MS = 250;

/** For one address: the lifetime that it should be given anew, in seconds, and why; undefined while the present one will do. */
function renewals({
  session,
  now,
}: View): (entry: KernelAddress) => { readonly seconds: number; readonly reason: string } | undefined {
  if (session === null || session === 'adopting') return () => undefined;
  const seconds = lifetimeSeconds(session, now);
  if (seconds === 0) return () => undefined;
  const least = Math.min(RENEWAL_MS, seconds * 250);
  const overdue = isOverdue(session, now);
  return ({ expiresAt }) => {
    // Changed by hand, or added by a kernel that was too slow: the kernel would not remove it in time.
    if (expiresAt > session.provenUntil) return { seconds, reason: 'its lifetime outlasts the proof' };
    const won = now + seconds * 1000 - expiresAt;
    if (won >= least) return { seconds, reason: 'the session was proven anew' };
    return won >= OVERDUE_RENEWAL_MS && overdue
      ? { seconds, reason: 'the next proof is overdue' }
      : undefined;
  };
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
