import type { Observable } from 'rxjs';
import type { LeaseId } from '../domain/cluster.ts';
import type { KeyValue } from '../domain/entries.ts';

/** Where a response came from: a proof needs the same term in both of its responses. */
export interface Header {
  readonly revision: number;
  readonly term: string;
}

/** One condition of a transaction, on one key. Version 0 means that the key does not exist. */
export type Condition =
  | { readonly key: string; readonly exists: boolean }
  | { readonly key: string; readonly modRevision: number }
  | { readonly key: string; readonly leaseId: LeaseId };

export type Operation =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly leaseId?: LeaseId }
  | { readonly kind: 'delete'; readonly key: string };

export interface WatchBatch {
  readonly header: Header;
  /** All events of whole revisions, in order; none in the message that says the watch stands. */
  readonly events: readonly WatchEvent[];
}

export type WatchEvent =
  | { readonly kind: 'put'; readonly keyValue: KeyValue }
  | { readonly kind: 'delete'; readonly key: string; readonly modRevision: number };

/** What yaim asks of etcd; implemented by client.ts over etcd3's transport, and by the simulation. */
export interface Etcd {
  /** Linearizable read of one key, or of all keys with the prefix. */
  readonly range: (
    key: string,
    prefix?: 'prefix',
  ) => Promise<Header & { readonly keyValues: readonly KeyValue[] }>;
  readonly transact: (
    conditions: readonly Condition[],
    operations: readonly Operation[],
  ) => Promise<Header & { readonly succeeded: boolean }>;
  readonly grant: (ttlSeconds: number) => Promise<{ readonly leaseId: LeaseId; readonly ttlMs: number }>;
  /** One keepalive; a TTL of 0 says that the lease is gone. */
  readonly keepAlive: (leaseId: LeaseId) => Promise<{ readonly ttlMs: number; readonly term: string }>;
  readonly revoke: (leaseId: LeaseId) => Promise<void>;
  /**
   * Everything below the prefix from `startRevision` on, inclusive. Errors with an EtcdError when the stream breaks,
   * is silent, loses its leader, or asks for history that is compacted. Never completes.
   */
  readonly watch: (prefix: string, startRevision: number) => Observable<WatchBatch>;
  /** The endpoint in use, for messages. */
  readonly endpoint: () => string;
}

export type EtcdErrorKind =
  | 'unreachable'
  | 'timeout'
  /** Broken off by the cluster itself, as when its leader changes; the endpoint is fine. */
  | 'interrupted'
  | 'refused'
  | 'compacted'
  | 'lease-not-found'
  | 'no-space'
  | 'other';

/** A call to etcd that failed: what was tried, on which endpoint, and what came back. */
export class EtcdError extends Error {
  readonly kind: EtcdErrorKind;
  readonly endpoint: string;
  /** What other endpoints answered to the same call. */
  readonly elsewhere: readonly EtcdError[];
  constructor(
    kind: EtcdErrorKind,
    endpoint: string,
    message: string,
    cause?: unknown,
    elsewhere: readonly EtcdError[] = [],
  ) {
    super(message, { cause });
    this.name = 'EtcdError';
    this.kind = kind;
    this.endpoint = endpoint;
    this.elsewhere = elsewhere;
  }
}
