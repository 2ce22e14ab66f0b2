import type { Address } from './address.ts';
import type { LeaseId } from './cluster.ts';
import type { Taker } from './takers.ts';

/** Where an address goes. */
export interface Placement {
  readonly interface: string;
  readonly prefixLength: number;
}

/** What is missing between the world and what it should be. Every action says why. */
export type Action = KernelAction | EtcdAction;

export type KernelAction =
  | ({ readonly kind: 'remove'; readonly address: Address; readonly reason: string } & Placement)
  | ({ readonly kind: 'add'; readonly address: Address; readonly reason: string } & Placement)
  | ({
      readonly kind: 'renew';
      readonly address: Address;
      /** The lifetime that it wins; a shorter one, which is all that is left when it comes late, would win nothing. */
      readonly seconds: number;
      readonly reason: string;
    } & Placement);

export interface Claim {
  readonly address: Address;
  /** The pool's key as the operator wrote it; it must still exist. */
  readonly poolKey: string;
  /** A mark without a lease to replace; null where there must be none. */
  readonly markRevision: number | null;
  /** Where it will go. */
  readonly placement: Placement;
  readonly reason: string;
}

export interface Release {
  readonly address: Address;
  /** The revisions of our guard and our mark; null where it is not there or not ours. */
  readonly guardRevision: number | null;
  readonly markRevision: number | null;
  /** Who has it next: mark and guard go to that node's lease instead of away. */
  readonly to?: Taker;
  readonly reason: string;
}

export type EtcdAction =
  /**
   * Marks given back or to their takers, all at once; with `withdraw` the presence goes in the same transaction, and `text` is what this node
   * tells about itself from then on, where that is new: written afterwards, it would be in front of the takers' claims.
   */
  | {
      readonly kind: 'release';
      readonly releases: readonly Release[];
      readonly withdraw: boolean;
      readonly text?: string;
      readonly leaseId: LeaseId;
      readonly reason: string;
    }
  | {
      readonly kind: 'claim';
      readonly claims: readonly Claim[];
      readonly leaseId: LeaseId;
      readonly reason: string;
    }
  | { readonly kind: 'advertise'; readonly text: string; readonly leaseId: LeaseId; readonly reason: string }
  | { readonly kind: 'publish'; readonly text: string; readonly leaseId: LeaseId; readonly reason: string }
  /** A mark or a guard that no lease would ever end is deleted. */
  | {
      readonly kind: 'tidy';
      readonly what: 'mark' | 'guard';
      readonly address: Address;
      readonly modRevision: number;
      readonly reason: string;
    };
