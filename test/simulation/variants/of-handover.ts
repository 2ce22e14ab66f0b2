import { HANDOVER_MS, type Variant } from '../model/host.ts';

/** Lifetimes are made longer as soon as the long lease is granted: before the guards are on it. */
export const longerAtOnce: Variant = (deps) => ({
  ...deps,
  etcd: {
    ...deps.etcd,
    grant: async (ttlSeconds) => {
      const granted = await deps.etcd.grant(ttlSeconds);
      if (ttlSeconds * 1000 === HANDOVER_MS) {
        const lifetime = ttlSeconds - 2;
        const places = [...deps.local.recorded()].map((key) => key.replace('@', ' dev '));
        await deps.ip.run(
          places.map(
            (place) => `address change ${place} nodad valid_lft ${lifetime} preferred_lft ${lifetime}`,
          ),
        );
      }
      return granted;
    },
  },
});
