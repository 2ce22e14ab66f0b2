import { type EtcdStore, etcdStoreOn } from './etcd-store.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** The members as clients meet them: whether they have a leader, and in which term. */
export interface EtcdCluster {
  readonly store: EtcdStore;
  readonly term: () => string;
  readonly isServing: () => boolean;
  /** For so long nothing is agreed on, then a new leader is: every lease begins anew. */
  readonly loseLeader: (forMs: number) => void;
  readonly onElection: (hear: () => void) => void;
}

export function etcdClusterOn(timeline: Timeline, random: Random): EtcdCluster {
  const store = etcdStoreOn(timeline, random.fork('store'));
  const listeners: (() => void)[] = [];
  let term = 2;
  let servingFrom = 0;
  return {
    store,
    term: () => String(term),
    isServing: () => timeline.now() >= servingFrom,
    loseLeader: (forMs) => {
      servingFrom = Math.max(servingFrom, timeline.now() + forMs);
      store.leases.suspend();
      const electedAt = servingFrom;
      timeline.at(electedAt, () => {
        if (servingFrom !== electedAt) return;
        term += 1;
        store.leases.restart();
        for (const hear of listeners) hear();
      });
    },
    onElection: (hear) => listeners.push(hear),
  };
}
