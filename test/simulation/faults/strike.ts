import type { Fault, FaultKind } from '../scenario.ts';
import type { World } from '../world.ts';
import { byHand } from './by-hand.ts';
import { type Blow, blowOf } from './fault.ts';
import { onEtcd } from './on-etcd.ts';
import { onHost } from './on-host.ts';
import { onNetwork } from './on-network.ts';

/** A kind of fault without a blow does not compile. */
const BLOWS: Readonly<Record<FaultKind, (blow: Blow) => void>> = {
  ...onHost,
  ...onNetwork,
  ...onEtcd,
  ...byHand,
};

/** Has every fault of the scenario happen at its time. */
export function strike(world: World, faults: readonly Fault[]): void {
  for (const fault of faults) {
    world.timeline.at(fault.atMs, () => {
      const blow = blowOf(world, fault);
      world.trace.write(
        'fault',
        `${fault.kind}: ${blow.host.name}, ${fault.forMs} ms, severity ${fault.severity}`,
      );
      BLOWS[fault.kind](blow);
    });
  }
}
