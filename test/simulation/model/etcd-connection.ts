import type { Etcd } from '../../../src/etcd/api.ts';
import { EtcdError } from '../../../src/etcd/api.ts';
import type { EtcdCluster } from './etcd-cluster.ts';
import { watchThrough } from './etcd-watch.ts';
import { deposedOf, type Link } from './link.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export interface ConnectionWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly cluster: EtcdCluster;
  readonly link: Link;
  readonly process: Process;
  /** Counts what etcd is asked. */
  readonly asked: (what: string) => void;
}

/** As src/cli/etcd.ts has it. */
const CALL_MS = 1000;
/** A request whose caller gave up may still be under way for so long. */
const STRAY_MS = 4000;

/** One agent's connection to etcd, with everything that can happen to it. */
export function connectionThrough(world: ConnectionWorld): Etcd {
  const { timeline, random, cluster, link, process, asked } = world;
  const { store } = cluster;

  const latency = (lateMs: number): number => random.between(0.1, 2.5) + random.between(0.7, 1) * lateMs;

  /** A request that goes to etcd, is carried out there, and is answered; each of it may not happen. */
  const call = <T>(what: string, carryOut: () => T, byDeposed?: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      asked(what);
      const deadline = process.scheduler.schedule(
        () => reject(new EtcdError('timeout', 'etcd', `${what}: no answer within ${CALL_MS} ms`)),
        CALL_MS,
      );
      const answer = (settle: () => void): void => {
        if (!link.answersPass || random.chance(link.answerLoss)) return;
        timeline.after(latency(link.answersLateMs), () =>
          process.deliver(() => {
            deadline.unsubscribe();
            settle();
          }),
        );
      };
      const arrive = (): void => {
        const deposed = deposedOf(link, timeline);
        const share = (byDeposed === undefined ? deposed?.others : deposed?.keepAlives) ?? 0;
        const isAtDeposed = random.chance(share);
        if (isAtDeposed && byDeposed !== undefined) {
          const acknowledged = byDeposed();
          answer(() => resolve(acknowledged));
          return;
        }
        if (isAtDeposed || !cluster.isServing()) {
          if (random.chance(0.3)) answer(() => reject(noLeader(what)));
          return;
        }
        try {
          const result = carryOut();
          answer(() => resolve(result));
        } catch (error) {
          if (!(error instanceof EtcdError)) throw error;
          answer(() => reject(error));
        }
      };
      const isLost = !link.requestsPass || random.chance(link.requestLoss);
      // What is lost on the way may be sent again, by TCP, when nobody waits for it any more.
      if (!isLost) timeline.after(latency(link.requestsLateMs), () => link.requestsPass && arrive());
      else if (random.chance(0.4))
        timeline.after(random.between(1, STRAY_MS), () => link.requestsPass && arrive());
      else if (random.chance(0.2))
        timeline.after(latency(0), () => process.deliver(() => reject(unreachable(what))));
    });

  const header = () => ({ revision: store.revision(), term: cluster.term() });

  return {
    endpoint: () => 'etcd',
    range: (key, prefix) => call('range', () => ({ ...header(), keyValues: store.range(key, prefix) })),
    transact: (conditions, operations) =>
      call('transact', () => {
        const succeeded = store.transact(conditions, operations);
        return { ...header(), succeeded };
      }),
    grant: (ttlSeconds) =>
      call('grant', () => ({ leaseId: store.leases.grant(ttlSeconds * 1000), ttlMs: ttlSeconds * 1000 })),
    keepAlive: (leaseId) => {
      // A deposed leader knows the leases of its time, and that they may be over elsewhere it does not.
      const believedMs = store.leases.grantedMs(leaseId);
      return call(
        'keepAlive',
        () => ({ ttlMs: store.leases.renew(leaseId), term: cluster.term() }),
        () => ({ ttlMs: believedMs, term: link.deposed?.term ?? '' }),
      );
    },
    revoke: (leaseId) => call('revoke', () => store.revoke(leaseId)),
    watch: (prefix, startRevision) => watchThrough(world, prefix, startRevision),
  };
}

function noLeader(what: string): EtcdError {
  return new EtcdError('unreachable', 'etcd', `${what}: etcdserver: no leader`);
}

function unreachable(what: string): EtcdError {
  return new EtcdError('unreachable', 'etcd', `${what}: connection refused`);
}
