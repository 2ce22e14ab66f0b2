import type { LeaseChangeDependencies } from '../../src/streams/lease-change.ts';

/** For sessions of hosts without addresses, whose next run is not looked at. */
export const noAddresses: Pick<LeaseChangeDependencies, 'saveLeases' | 'setLifetimes'> = {
  saveLeases: () => {},
  setLifetimes: async () => new Set(),
};
