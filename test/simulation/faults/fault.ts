import type { Address } from '../../../src/domain/address.ts';
import type { Host } from '../model/host.ts';
import type { Fault } from '../scenario.ts';
import { poolOf, type World } from '../world.ts';

/** One fault about to happen, and the things that it is aimed at. */
export interface Blow {
  readonly world: World;
  readonly fault: Fault;
  readonly host: Host;
  /** Severity from 0 to 1. */
  readonly strength: number;
  /** Undoes the fault when it has lasted long enough; all are undone at the end anyway. */
  readonly until: (undo: () => void) => void;
}

export function blowOf(world: World, fault: Fault): Blow {
  const { timeline, hosts, disturbedUntil } = world;
  const host = hosts[fault.target % hosts.length] as Host;
  const endsAt = timeline.now() + fault.forMs;
  disturbedUntil.set(host.name, Math.max(disturbedUntil.get(host.name) ?? 0, endsAt));
  return {
    world,
    fault,
    host,
    strength: fault.severity / 1000,
    until: (undo) => {
      timeline.at(endsAt, undo);
    },
  };
}

/** The address of the pool that the fault is aimed at. */
export function targetAddress({ world, fault }: Blow): Address | undefined {
  const pool = poolOf(world);
  return pool[fault.severity % Math.max(1, pool.length)];
}

export function putByHand({ world: { cluster } }: Blow, key: string, value: string): void {
  cluster.store.transact([], [{ kind: 'put', key, value }]);
}

export function deleteByHand({ world: { cluster } }: Blow, key: string): void {
  cluster.store.transact([], [{ kind: 'delete', key }]);
}
