import {
  combineLatest,
  distinctUntilChanged,
  map,
  merge,
  type Observable,
  type SchedulerLike,
  takeUntil,
  throttleTime,
  timer,
} from 'rxjs';
import { type Attention, attentionOf } from '../domain/attention.ts';
import type { Cluster } from '../domain/cluster.ts';
import { clusterOf } from '../domain/entries.ts';
import type { Takeover } from '../domain/history.ts';
import { type LostNode, lostNodes } from '../domain/lost.ts';
import { whyNotReady } from '../domain/readiness.ts';
import { type Report, reportOf } from '../domain/report.ts';
import type { Planned, View } from '../domain/view.ts';

/** Whether etcd is followed at this moment, and if not, what it says. */
export interface EtcdLink {
  readonly following: boolean;
  readonly error: string | null;
}

/** What the page shows, and `/status` and `/events` tell: what `yaim status --json` writes, and more. */
export interface StatusDocument extends Report {
  /** The node that answers. */
  readonly self: {
    readonly node: string;
    readonly version: string;
    readonly ready: boolean;
    /** Why it is not ready. */
    readonly reason: string | null;
    readonly etcd: EtcdLink;
  };
  /** Nodes that died or were cut off with addresses and are still missing. */
  readonly lost: readonly LostNode[];
  /** What is wrong, the worst first. */
  readonly attention: readonly Attention[];
  /** The last ones on record, oldest first. */
  readonly takeovers: readonly Takeover[];
}

export interface DocumentSources {
  /** Null before the first decision. */
  readonly view$: Observable<View | null>;
  readonly link$: Observable<EtcdLink>;
  /** All on record, oldest first. */
  readonly takeovers$: Observable<readonly Takeover[]>;
  readonly scheduler: SchedulerLike;
  /** Ms since 1970. */
  readonly wallClockMs: () => number;
}

export interface About {
  readonly service: string;
  readonly node: string;
  readonly version: string;
}

/** A thousand addresses that move are some hundred changes: people see no more than a few a second. */
const CALM_MS = 200;
const HISTORY_MS = 500;
const SHOWN_TAKEOVERS = 50;

/** The document anew whenever something in it changed. Costs nothing while nobody listens. */
export function document$(sources: DocumentSources, about: About): Observable<StatusDocument> {
  const { scheduler, takeovers$ } = sources;
  const seen$ = sources.view$.pipe(
    map((view) => seenIn(view)),
    // Renewals and proofs are views as well, in which nothing is new for people.
    distinctUntilChanged(
      (a, b) =>
        a.cluster === b.cluster && a.plan === b.plan && a.reason === b.reason && a.proven === b.proven,
    ),
  );
  // Nobody waits for an etcd that does not answer.
  const none$ = timer(HISTORY_MS, scheduler).pipe(
    map((): readonly Takeover[] => []),
    takeUntil(takeovers$),
  );
  return combineLatest([seen$, sources.link$, merge(takeovers$, none$)]).pipe(
    throttleTime(CALM_MS, scheduler, { leading: true, trailing: true }),
    map(([seen, etcd, takeovers]) =>
      documentOf(about, { ...seen, etcd, takeovers, now: sources.wallClockMs() }),
    ),
  );
}

interface Seen {
  readonly cluster: Cluster;
  readonly plan: Planned['plan'] | undefined;
  /** Why this node is not ready. */
  readonly reason: string | null;
  /** Whether the reason, if there is one, is not the session. */
  readonly proven: boolean;
}

const NOTHING = clusterOf(0, []);

function seenIn(view: View | null): Seen {
  const { cluster = NOTHING, plan } = view?.planned ?? {};
  if (view === null) return { cluster, plan, reason: 'the agent is starting', proven: true };
  const reason = whyNotReady(view, view.now) ?? null;
  const isHealthy = view.health.kind === 'healthy' && !view.stopping;
  return { cluster, plan, reason, proven: reason === null || !isHealthy };
}

export interface DocumentParts extends Seen {
  readonly etcd: EtcdLink;
  readonly takeovers: readonly Takeover[];
  /** Ms since 1970. */
  readonly now: number;
}

export function documentOf({ service, node, version }: About, parts: DocumentParts): StatusDocument {
  const { cluster, plan, reason, proven, etcd, takeovers, now } = parts;
  const report = reportOf(service, cluster, plan);
  const lost = lostNodes(report.nodes, takeovers, now);
  const own: Attention[] = [];
  if (!etcd.following && etcd.error !== null) {
    const text = `${etcd.error}; what is shown is how it was before`;
    own.push({ severity: 'critical', kind: 'etcd', subject: 'etcd', text });
  }
  if (!proven) own.push({ severity: 'critical', kind: 'node', subject: node, text: reason ?? '' });
  return {
    ...report,
    self: { node, version, ready: reason === null, reason, etcd },
    lost,
    attention: [...own, ...attentionOf(report, lost)],
    takeovers: takeovers.slice(-SHOWN_TAKEOVERS),
  };
}
