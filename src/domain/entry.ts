import type { Guard, KeyProblem, Mark, NodeSession, Presence, Wish } from './cluster.ts';
import type { PoolEntry } from './pool.ts';

/** One key-value with its meaning; what is not yaim's is undefined. */
export type Entry =
  | { readonly kind: 'node'; readonly value: Presence }
  | { readonly kind: 'session'; readonly value: NodeSession }
  | { readonly kind: 'drain'; readonly value: string }
  | { readonly kind: 'pool'; readonly value: PoolEntry }
  | { readonly kind: 'mark'; readonly value: Mark }
  | { readonly kind: 'guard'; readonly value: Guard }
  | { readonly kind: 'wish'; readonly value: Wish }
  | { readonly kind: 'problem'; readonly value: KeyProblem };
