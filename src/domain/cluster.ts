import type { Address } from './address.ts';
import type { PoolEntry } from './pool.ts';

/** A lease id as etcd's decimal text; NO_LEASE is a key that no lease holds. */
export type LeaseId = string;
export const NO_LEASE: LeaseId = '0';

/** A healthy, undrained node: `<service>/nodes/<name>`. */
export interface Presence {
  readonly name: string;
  readonly leaseId: LeaseId;
  /** Names one run of the agent; two machines with one nodename differ in it. */
  readonly instance: string;
  readonly weight: number;
  readonly role: string | null;
  readonly subnets: readonly string[];
  /** Addresses that this node cannot host now, with the reason. */
  readonly refuses: ReadonlyMap<Address, string>;
  /** The value as it stands in etcd, to see whether it must be written again. */
  readonly text: string;
}

/** A running agent, healthy or not: `<service>/sessions/<name>`, the key that proves its lease. */
export interface NodeSession {
  readonly name: string;
  readonly leaseId: LeaseId;
  readonly instance: string;
  /** "healthy", "unknown", or why the node is sick. */
  readonly health: string;
  readonly healthSince: string | null;
  /** Addresses on this node's interfaces that are not yaim's: nobody may take them from the pool. */
  readonly occupied: readonly Address[];
  /** The agent has left everything to the next run on its host, which is not there yet. */
  readonly away?: true;
  readonly text: string;
}

/** `<service>/ips/<address>/marked`. */
export interface Mark {
  readonly address: Address;
  readonly holder: string;
  readonly leaseId: LeaseId;
  readonly modRevision: number;
}

/** `<service>/guards/<address>`: while it exists, its lease's node may have the address on an interface. */
export interface Guard {
  readonly address: Address;
  readonly holder: string;
  readonly leaseId: LeaseId;
  readonly modRevision: number;
  /** When the holder took the address, ISO time by its own clock. */
  readonly since: string;
}

/** `<service>/moves/<address>`: an operator wants the address on that node, once; on a lease, so that it ends. */
export interface Wish {
  readonly address: Address;
  readonly to: string;
}

/** A key that was ignored, and why. */
export interface KeyProblem {
  readonly key: string;
  readonly problem: string;
}

/** Everything below `<service>/`, parsed, at one revision of etcd. */
export interface Cluster {
  readonly revision: number;
  readonly pool: ReadonlyMap<Address, PoolEntry>;
  readonly nodes: ReadonlyMap<string, Presence>;
  readonly sessions: ReadonlyMap<string, NodeSession>;
  readonly marks: ReadonlyMap<Address, Mark>;
  readonly guards: ReadonlyMap<Address, Guard>;
  readonly wishes: ReadonlyMap<Address, Wish>;
  readonly drained: ReadonlySet<string>;
  readonly problems: readonly KeyProblem[];
}
