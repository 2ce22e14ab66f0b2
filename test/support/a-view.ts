import type { Action } from '../../src/domain/action.ts';
import { type Address, familyOf, parseAddress } from '../../src/domain/address.ts';
import { wantedPresence, wantedSession } from '../../src/domain/announcement.ts';
import {
  type Cluster,
  type Guard,
  type LeaseId,
  type Mark,
  NO_LEASE,
  type NodeSession,
  type Presence,
} from '../../src/domain/cluster.ts';
import { decide } from '../../src/domain/decide.ts';
import { type KernelAddress, kernelKey, type Link, type Route } from '../../src/domain/kernel.ts';
import { isStray } from '../../src/domain/marks.ts';
import { planOf } from '../../src/domain/planning.ts';
import type { PoolOptions } from '../../src/domain/pool.ts';
import { lifetimeSeconds, type Session } from '../../src/domain/session.ts';
import type { Health, Local, Settings, View } from '../../src/domain/view.ts';

/** The leases of nodes that tests speak of by name; a lease of nobody's who is present is `FOREIGN_LEASE`. */
export const LEASES: Readonly<Record<string, LeaseId>> = { db1: '101', db2: '102', db3: '103' };
export const FOREIGN_LEASE: LeaseId = '999';
/** Of a mark and of a guard, unless a test says otherwise. */
export const GUARD_REVISION = 11;
export const MARK_REVISION = 12;

/** db1 as seen by itself. Whatever is not said is well: proven, healthy, eth0 and eth1 up, db1 and db2 present. */
export interface ViewParts {
  readonly now?: number;
  readonly provenUntil?: number;
  readonly session?: View['session'];
  readonly health?: Health['kind'];
  readonly stopping?: boolean;
  readonly rebalance?: boolean;
  readonly settings?: Partial<Settings>;
  /** Nodes with a presence key; a text instead of the name's default value is given in `presences`. */
  readonly nodes?: readonly string[];
  readonly presences?: Readonly<Record<string, Partial<Presence>>>;
  readonly sessions?: readonly string[];
  readonly occupied?: Readonly<Record<string, readonly string[]>>;
  /** Address to the node where an operator asked for it. */
  readonly wishes?: Readonly<Record<string, string>>;
  readonly drained?: readonly string[];
  readonly pool?: readonly string[] | Readonly<Record<string, PoolOptions>>;
  /** Address to node: mark and guard on the node's lease. */
  readonly holders?: Readonly<Record<string, string>>;
  /** Address to what is different about its mark; null: there is none. */
  readonly marks?: Readonly<Record<string, Partial<Mark> | null>>;
  readonly guards?: Readonly<Record<string, Partial<Guard> | null>>;
  readonly withheld?: readonly string[];
  /** Guards without a lease have stood for a TTL. */
  readonly late?: boolean;
  /** Addresses on interfaces: yaim's own by text ("10.0.0.7"), others as they are. */
  readonly kernel?: readonly (string | KernelAddress)[];
  readonly links?: Readonly<Record<string, boolean>>;
  readonly routes?: readonly Route[];
  readonly refusals?: Readonly<Record<string, string>>;
  readonly releasing?: Readonly<Record<string, number>>;
  readonly recorded?: readonly string[];
  /** What etcd says of db1 itself is not what db1 would write. */
  readonly unpublished?: boolean;
}

export function aView(parts: ViewParts = {}): View {
  const { now = 0, provenUntil = now + 10_000, nodes = ['db1', 'db2'] } = parts;
  const session = parts.session === undefined ? aSession({ provenUntil }) : parts.session;
  const cluster = aCluster({ ...parts, nodes });
  const lifetimeMs = lifetimeSeconds(aSession({ provenUntil }), now) * 1000;
  const entries = (parts.kernel ?? []).map((entry) =>
    typeof entry === 'string'
      ? anOwnAddress({ address: address(entry), expiresAt: now + lifetimeMs })
      : entry,
  );
  const own6 = entries.filter((entry) => entry.label === null && entry.expiresAt < Infinity).map(kernelKey);
  const health = parts.health ?? 'healthy';
  const view: View = {
    now,
    settings: aSettings(parts.settings),
    planned: {
      cluster,
      plan: planOf(cluster),
      withheld: new Map((parts.withheld ?? []).map((text) => [address(text), 'withheld'])),
      overdue: new Map(),
      endlessGuards: parts.late ? [...cluster.guards.values()].filter(isStray) : [],
    },
    kernel: {
      addresses: new Map(entries.map((entry) => [kernelKey(entry), entry])),
      links: someLinks({ eth0: true, eth1: true, ...parts.links }),
      routes: parts.routes ?? [],
    },
    health: { kind: health, reason: health === 'sick' ? 'the database is down' : '', since: null },
    session,
    rebalance: parts.rebalance ?? false,
    stopping: parts.stopping ?? false,
    local: aLocal({ ...parts, recorded: parts.recorded ?? own6 }),
  };
  return parts.unpublished ? view : published(view);
}

export function aSession(parts: Partial<Session> = {}): Session {
  return { leaseId: '101', instance: 'run-1', ttlMs: 6000, provenUntil: 10_000, ...parts };
}

export function aSettings(parts: Partial<Settings> = {}): Settings {
  return { nodename: 'db1', interface: 'eth0', netmask: null, label: 'yaim', weight: 1, ...parts };
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** An address as yaim puts it on eth0: labelled, with a lifetime of 8 s. */
export function anOwnAddress(parts: Partial<KernelAddress> = {}): KernelAddress {
  const isIPv6 = familyOf(parts.address ?? address('10.0.0.7')) === 6;
  const name = parts.interface ?? 'eth0';
  return {
    address: address('10.0.0.7'),
    interface: name,
    prefixLength: isIPv6 ? 128 : 32,
    label: isIPv6 ? null : `${name}:yaim`,
    expiresAt: 8000,
    duplicate: false,
    ...parts,
  };
}

/** An address as an operator puts it there. */
export function aForeignAddress(text: string, parts: Partial<KernelAddress> = {}): KernelAddress {
  const label = text.includes(':') ? null : 'eth0';
  return anOwnAddress({ address: address(text), expiresAt: Infinity, label, ...parts });
}

export function someLinks(links: Readonly<Record<string, boolean>>): ReadonlyMap<string, Link> {
  return new Map(Object.entries(links).map(([name, up], index) => [name, { name, index: index + 2, up }]));
}

export function aCluster(parts: ViewParts = {}): Cluster {
  const {
    nodes = ['db1', 'db2'],
    pool = [],
    holders = {},
    sessions = [...new Set(['db1', ...nodes])],
  } = parts;
  const options: Readonly<Record<string, PoolOptions>> = Array.isArray(pool)
    ? Object.fromEntries(pool.map((text) => [text, {}]))
    : (pool as Readonly<Record<string, PoolOptions>>);
  const entries = Object.entries(options).map(([text, own]) => [address(text), own] as const);
  return {
    revision: 100,
    pool: new Map(entries.map(([ip, own]) => [ip, { address: ip, key: `svc/ips/${ip}`, options: own }])),
    nodes: new Map(nodes.map((name) => [name, aPresence({ name, ...parts.presences?.[name] })])),
    sessions: new Map(sessions.map((name) => [name, aNodeSession(name, parts.occupied?.[name] ?? [])])),
    marks: someKeys(holders, parts.marks, (ip, holder) => ({
      address: ip,
      holder,
      leaseId: LEASES[holder] ?? NO_LEASE,
      modRevision: MARK_REVISION,
    })),
    guards: someKeys(holders, parts.guards, (ip, holder) => ({
      address: ip,
      holder,
      leaseId: LEASES[holder] ?? NO_LEASE,
      modRevision: GUARD_REVISION,
      since: '',
    })),
    wishes: someKeys(parts.wishes ?? {}, {}, (ip, to) => ({ address: ip, to })),
    drained: new Set(parts.drained ?? []),
    problems: [],
  };
}

/** The actions in short, in order: what a reader wants to compare. */
export function steps(view: View): readonly string[] {
  return decide(view).map(inShort);
}

export function inShort(action: Action): string {
  if (action.kind === 'release') {
    const parts = action.releases.map(
      ({ address: ip, guardRevision, markRevision }) =>
        `${ip} (${[guardRevision === null ? '' : 'guard', markRevision === null ? '' : 'mark'].filter(Boolean).join(' and ')})`,
    );
    return ['release', ...parts, ...(action.withdraw ? ['presence'] : [])].join(' ');
  }
  if (action.kind === 'claim') {
    const parts = action.claims.map(({ address: ip, markRevision }) =>
      markRevision === null ? ip : `${ip} (replacing ${markRevision})`,
    );
    return ['claim', ...parts].join(' ');
  }
  if (action.kind === 'tidy') return `tidy ${action.address}`;
  if (action.kind === 'advertise' || action.kind === 'publish') return action.kind;
  return `${action.kind} ${kernelKey(action)}`;
}

function aLocal({ refusals = {}, releasing = {}, recorded = [] }: ViewParts): Local {
  return {
    refusals: new Map(Object.entries(refusals).map(([text, reason]) => [address(text), reason])),
    releasing: new Map(Object.entries(releasing).map(([text, revision]) => [address(text), revision])),
    recorded: new Set(recorded),
  };
}

function aPresence(parts: Partial<Presence> & { readonly name: string }): Presence {
  return {
    leaseId: LEASES[parts.name] ?? NO_LEASE,
    instance: `run of ${parts.name}`,
    weight: 1,
    role: null,
    subnets: [],
    refuses: new Map(),
    text: '',
    ...parts,
  };
}

function aNodeSession(name: string, occupied: readonly string[]): NodeSession {
  return {
    name,
    leaseId: LEASES[name] ?? NO_LEASE,
    instance: `run of ${name}`,
    health: 'healthy',
    healthSince: null,
    occupied: occupied.map(address),
    text: '',
  };
}

function someKeys<T>(
  holders: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, Partial<T> | null>> = {},
  make: (address: Address, holder: string) => T,
): ReadonlyMap<Address, T> {
  const keys = new Map(
    Object.entries(holders).map(([text, holder]) => [address(text), make(address(text), holder)]),
  );
  for (const [text, change] of Object.entries(changes)) {
    const ip = address(text);
    if (change === null) keys.delete(ip);
    else keys.set(ip, { ...(keys.get(ip) ?? make(ip, 'db1')), ...change });
  }
  return keys;
}

/** The view in which etcd has of this node's own keys what the node would write. */
function published(view: View): View {
  const { planned, settings } = view;
  if (planned === null) return view;
  const { cluster } = planned;
  const nodes = new Map(cluster.nodes);
  const sessions = new Map(cluster.sessions);
  const present = nodes.get(settings.nodename);
  const text = wantedPresence(view);
  if (present !== undefined && text !== null) nodes.set(present.name, { ...present, text });
  const session = sessions.get(settings.nodename);
  if (session !== undefined) {
    sessions.set(session.name, { ...session, text: wantedSession(view) });
  }
  return { ...view, planned: { ...planned, cluster: { ...cluster, nodes, sessions } } };
}
