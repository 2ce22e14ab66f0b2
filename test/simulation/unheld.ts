import type { Address } from '../../src/domain/address.ts';
import type { Keys } from '../../src/domain/keys.ts';
import type { EtcdStore } from './model/etcd-store.ts';
import type { Timeline } from './model/timeline.ts';

/** Measures for how long addresses of the pool are on no host. */
export interface Unheld {
  readonly appeared: (address: Address) => void;
  readonly disappeared: (address: Address) => void;
  /** From here on; the start of the agents does not count. */
  readonly begin: () => void;
  readonly longestMs: () => number;
}

export function unheldOn(timeline: Timeline, store: EtcdStore, keys: Keys): Unheld {
  const holders = new Map<Address, number>();
  const since = new Map<Address, number>();
  let longestMs = 0;

  const isInPool = (address: Address): boolean => store.get(keys.pool(address)) !== undefined;
  const look = (address: Address): void => {
    const isUnheld = isInPool(address) && (holders.get(address) ?? 0) === 0;
    const began = since.get(address);
    if (isUnheld && began === undefined) since.set(address, timeline.now());
    if (isUnheld || began === undefined) return;
    since.delete(address);
    // Taken out of the pool is no end of waiting.
    if (isInPool(address)) longestMs = Math.max(longestMs, timeline.now() - began);
  };
  const count = (address: Address, change: number): void => {
    holders.set(address, (holders.get(address) ?? 0) + change);
    look(address);
  };
  store.listen(({ events }) => {
    for (const event of events) {
      const key = keys.parse(event.kind === 'put' ? event.keyValue.key : event.key);
      if (key.kind === 'pool') look(key.address);
    }
  });

  return {
    appeared: (address) => count(address, 1),
    disappeared: (address) => count(address, -1),
    begin: () => {
      longestMs = 0;
      for (const address of since.keys()) since.set(address, timeline.now());
    },
    longestMs: () => longestMs,
  };
}
