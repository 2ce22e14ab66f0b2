import { type Address, compareAddresses, whyUnusable } from './address.ts';
import type { Cluster, LeaseId, Presence } from './cluster.ts';
import { derived } from './derived.ts';
import { whyNotServing } from './holdings.ts';
import type { Kernel } from './kernel.ts';
import { ownIn } from './own.ts';
import { placementOf } from './placement.ts';
import { type Standing, standingOf } from './standing.ts';
import { formatPresence, formatSession, parsePresence } from './values.ts';
import type { Settings, View } from './view.ts';

/** How many foreign addresses that are not in the pool a node tells about itself; more are no use to anybody. */
const MOST_OCCUPIED = 256;

/** The value that this node's presence key should have; null where there should be none. */
export function wantedPresence(view: View): string | null {
  const { planned, session, settings, health } = view;
  if (planned === null || session === null || session === 'adopting' || whyNotServing(view) !== undefined)
    return null;
  if (health.kind !== 'healthy') {
    // Before the first verdict an adopted presence stays as it is.
    const present = planned.cluster.nodes.get(settings.nodename);
    return present?.leaseId === session.leaseId ? present.text : null;
  }
  return formatPresence({
    instance: session.instance,
    weight: settings.weight,
    role: health.role ?? null,
    subnets: [],
    refuses: refusalsOf(view),
  });
}

/** What is new about this node's presence, which is to have the value `wanted`. */
export function whyAdvertise(present: Presence | undefined, wanted: string, leaseId: LeaseId): string {
  if (present === undefined) return 'the database is healthy';
  if (present.leaseId !== leaseId) return 'its presence was on another lease';
  const [before, now] = [parsePresence(present.text), parsePresence(wanted)];
  if (before.instance !== now.instance) return 'its presence was written by another run';
  const refused = [...now.refuses].filter(([address, reason]) => before.refuses.get(address) !== reason);
  const regained = [...before.refuses.keys()].filter((address) => !now.refuses.has(address));
  const changes = [
    ...(before.weight === now.weight ? [] : [`its weight is ${now.weight}, it was ${before.weight}`]),
    ...(before.role === now.role
      ? []
      : [`its role is ${now.role ?? 'unknown'}, it was ${before.role ?? 'unknown'}`]),
    ...firstOf(refused.map(([address, reason]) => `it cannot host ${address}: ${reason}`)),
    ...firstOf(regained.map((address) => `it can host ${address} again`)),
  ];
  return changes.join('; ') || 'its presence was changed by hand';
}

/** The first of many, and how many more there are. */
function firstOf([first, ...others]: readonly string[]): readonly string[] {
  if (first === undefined) return [];
  return [others.length === 0 ? first : `${first} (and ${others.length} more)`];
}

/** The value that this node's session key should have. */
export function wantedSession(view: View): string {
  const { session, health, kernel, planned } = view;
  const instance = session === null || session === 'adopting' ? '' : session.instance;
  const proven = session === null || session === 'adopting' ? -Infinity : session.provenUntil;
  const isInPool = (address: Address): boolean => planned?.cluster.pool.has(address) ?? false;
  const occupied = new Set<Address>();
  for (const key of foreignIn(standingOf(view))) {
    const address = kernel.addresses.get(key);
    if (address === undefined) continue;
    // It ends before our proof does: ours on its way out, of which the kernel's event will tell in a moment. (What DHCP or
    // a router's advertisement gave a host has a lifetime, too: of minutes and more.)
    if (address.expiresAt <= proven && isInPool(address.address)) continue;
    occupied.add(address.address);
  }
  // What is in the pool concerns the others now, the rest only if it should ever be.
  const sorted = [...occupied].sort(compareAddresses);
  const wanted = sorted.filter(isInPool);
  const others = sorted.filter((address) => !isInPool(address));
  return formatSession({
    instance,
    health: health.kind === 'sick' ? health.reason : health.kind,
    healthSince: health.since,
    occupied: [...wanted, ...others.slice(0, MOST_OCCUPIED)].sort(compareAddresses),
  });
}

/** By kernel key: what others than yaim have put on interfaces, and clients could reach. */
const foreignIn = derived((view: Standing): readonly string[] => {
  const own = ownIn(view);
  return [...view.kernel.addresses].flatMap(([key, { address }]) =>
    own.has(key) || whyUnusable(address) !== undefined ? [] : [key],
  );
});

/** What this host cannot take now, so that the others plan around it. */
function refusalsOf({ planned, settings, kernel, local }: View): ReadonlyMap<Address, string> {
  const pool = planned?.cluster.pool ?? new Map();
  const misplaced = misplacedIn(pool, settings, kernel);
  if (local.refusals.size === 0) return misplaced;
  const refuses = new Map<Address, string>();
  for (const address of pool.keys()) {
    const problem = misplaced.get(address) ?? local.refusals.get(address);
    if (problem !== undefined) refuses.set(address, problem);
  }
  return refuses;
}

interface Misplaced {
  readonly pool: Cluster['pool'];
  readonly links: Kernel['links'];
  readonly routes: Kernel['routes'];
  readonly problems: ReadonlyMap<Address, string>;
}

/** By the settings that were asked with: pool, links and routes seldom change from one decision to the next. */
const lastMisplaced = new WeakMap<Settings, Misplaced>();

/** The addresses for which this host has no place, and why. */
function misplacedIn(pool: Cluster['pool'], settings: Settings, kernel: Kernel): Misplaced['problems'] {
  const { links, routes } = kernel;
  const last = lastMisplaced.get(settings);
  if (last?.pool === pool && last.links === links && last.routes === routes) return last.problems;
  const problems = new Map<Address, string>();
  for (const { address, options } of pool.values()) {
    const placement = placementOf(address, options, settings, kernel);
    if ('problem' in placement) problems.set(address, placement.problem);
  }
  lastMisplaced.set(settings, { pool, links, routes, problems });
  return problems;
}
