import { byPeople } from './by-hand.ts';
import type { FaultKind } from './fault-kinds.ts';
import { onEtcd } from './on-etcd.ts';
import { onNetwork } from './on-network.ts';
import { onServers } from './on-servers.ts';
import type { Inflict } from './strike.ts';

/** How each kind of fault is done: one without does not compile. */
export const inflict: { readonly [Kind in FaultKind]: Inflict } = {
  ...onServers,
  ...onNetwork,
  ...onEtcd,
  ...byPeople,
};
