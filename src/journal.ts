import type { EtcdAction, KernelAction } from './domain/action.ts';
import type { Address } from './domain/address.ts';
import type { Cluster } from './domain/cluster.ts';
import type { Takeover } from './domain/history.ts';
import type { KernelPlace } from './domain/kernel.ts';
import type { Health } from './domain/view.ts';
import type { KernelOutcome } from './effects/address.ts';
import type { EtcdError } from './etcd/api.ts';
import type { Followed } from './streams/cluster.ts';
import type { Changed } from './streams/lease-change.ts';
import type { SessionEvent } from './streams/session.ts';

/** Everything that the agent tells, in one place: what happened, on what, why, and how long it took. */
export interface Journal {
  readonly followed: (event: Followed) => void;
  readonly session: (event: SessionEvent) => void;
  readonly health: (health: Health) => void;
  readonly stopping: (reason: string) => void;
  readonly handedOver: (changed: Changed) => void;
  readonly handoverFailed: (error: unknown) => void;
  /** What is about to be done on the interface: told when the kernel has done it. */
  readonly intend: (actions: readonly KernelAction[]) => void;
  readonly failed: (outcome: KernelOutcome) => void;
  readonly written: (action: EtcdAction, durationMs: number) => void;
  readonly writeFailed: (action: EtcdAction, error: EtcdError) => void;
  readonly revokeFailed: (error: unknown) => void;
  readonly announced: (address: Address, interfaceName: string) => void;
  readonly announceFailed: (address: Address, interfaceName: string, error: unknown) => void;
  readonly takeover: (takeover: Takeover) => void;
  /** So many takeovers will be missing from the history. */
  readonly recordFailed: (lost: number, error: EtcdError) => void;
  readonly clusterChanged: (previous: Cluster | null, cluster: Cluster) => void;
  readonly ownChanged: (previous: Own, own: Own) => void;
  readonly suspended: (driftMs: number) => void;
  readonly fenced: () => void;
  readonly rebalancing: (moves: number) => void;
}

/** What this node has on its interfaces, by kernel key. */
export type Own = ReadonlyMap<string, KernelPlace>;
