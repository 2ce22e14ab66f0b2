import { type KernelPlace, parseKernelKey } from '../../../src/domain/kernel.ts';
import { HANDOVER_MS, type Variant } from '../model/host.ts';

/** Lifetimes are made longer as soon as the long lease is granted: before the guards are on it. */
export const longerAtOnce: Variant = (deps) => ({
  ...deps,
  etcd: {
    ...deps.etcd,
    grant: async (ttlSeconds) => {
      const granted = await deps.etcd.grant(ttlSeconds);
      if (ttlSeconds * 1000 === HANDOVER_MS) {
        const lifetimeSeconds = ttlSeconds - 2;
        const places = [...deps.local.recorded()].map((key) => parseKernelKey(key) as KernelPlace);
        const interfaces = new Set(places.map((place) => place.interface));
        await deps.setter.change(interfaces, () =>
          places.map((place) => ({ kind: 'renew', ...place, lifetimeSeconds })),
        );
      }
      return granted;
    },
  },
});
