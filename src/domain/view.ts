import type { Address } from './address.ts';
import type { Cluster, Guard } from './cluster.ts';
import type { Kernel, KernelAddress } from './kernel.ts';
import type { Plan } from './plan.ts';
import type { Session } from './session.ts';

/** What PostgreSQL is in its replication: pool options may ask for one of them. */
export type DatabaseRole = 'primary' | 'standby';

/** The verdict on this host's database. */
export interface Health {
  readonly kind: 'unknown' | 'healthy' | 'sick';
  /** Why, where it is sick. */
  readonly reason: string;
  /** Since when, ISO time; null before the first verdict. */
  readonly since: string | null;
  /** Of a healthy database that tells it. */
  readonly role?: DatabaseRole;
}

/** What the operator of this node decided. */
export interface Settings {
  readonly nodename: string;
  readonly interface: string | null;
  /** The prefix length for IPv4 and, where it is larger than 32, for IPv6; null: host routes. */
  readonly netmask: number | null;
  readonly label: string;
  readonly weight: number;
}

/** The pool's state in etcd with the plan for it, made in one step so that they never disagree. */
export interface Planned {
  readonly cluster: Cluster;
  readonly plan: Plan;
  /** Addresses that nobody may claim yet, with the reason. */
  readonly withheld: ReadonlyMap<Address, string>;
  /** For an address that was not taken in time, the nodes that did not take it: it is planned around them. */
  readonly overdue: ReadonlyMap<Address, ReadonlySet<string>>;
  /** Guards without a lease that have stood for one TTL: whoever had such an address has it no more, or knows. */
  readonly endlessGuards: readonly Guard[];
}

/** What only this process knows: the outcome of effects that neither etcd nor the kernel echoes. */
export interface Local {
  /** Addresses that this host failed to take, and why. */
  readonly refusals: ReadonlyMap<Address, string>;
  /** Releases that were sent, by the revision of their guard: they are followed through, even if unanswered. */
  readonly releasing: ReadonlyMap<Address, number>;
  /** Kernel keys of addresses that this node has put on an interface, this run or the one before. */
  readonly recorded: ReadonlySet<string>;
}

/** Everything that a decision rests on, at one moment. */
export interface View {
  readonly now: number;
  readonly settings: Settings;
  /** null until etcd was listed for the first time. */
  readonly planned: Planned | null;
  readonly kernel: Kernel;
  readonly health: Health;
  /** "adopting" while it is open whether the previous run's lease still lives. */
  readonly session: Session | 'adopting' | null;
  /** Whether an imbalance has stood for `rebalance_delay`. */
  readonly rebalance: boolean;
  readonly stopping: boolean;
  readonly local: Local;
}

/** Whether yaim put this address there: its label (IPv4) or the record (IPv6), and always a lifetime. */
export function isOwn(address: KernelAddress, settings: Settings, local: Local, key: string): boolean {
  if (address.expiresAt === Infinity) return false;
  return address.label === `${address.interface}:${settings.label}` || local.recorded.has(key);
}
