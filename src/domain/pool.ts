import type { Address } from './address.ts';

/** What an operator may ask of one address: the JSON value of `<service>/ips/<address>`. */
export interface PoolOptions {
  /** The interface that takes the address, instead of the node's own choice. */
  readonly interface?: string;
  /** The prefix length, instead of the node's `netmask`. */
  readonly netmask?: number;
  /** Only this node may hold the address. */
  readonly node?: string;
  /** This node holds the address whenever that costs nobody anything. */
  readonly prefer?: string;
  /** Only nodes of this role may hold the address. */
  readonly role?: string;
}

/** One address of the pool, as etcd lists it. */
export interface PoolEntry {
  readonly address: Address;
  /** The etcd key exactly as the operator wrote it: the claim's transaction asks whether it still exists. */
  readonly key: string;
  readonly options: PoolOptions;
}
