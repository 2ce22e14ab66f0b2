import { familyOf } from '../../../src/domain/address.ts';
import { INTERFACE } from '../model/host-kernel.ts';
import type { FaultKind } from '../scenario.ts';
import { type Blow, targetAddress } from './fault.ts';

/** What happens to a host: its agent, its database, its kernel. */
export const onHost = {
  'agent killed': (blow) => {
    const { host, until } = blow;
    host.kill();
    until(host.start);
  },
  'agent stopped': (blow) => {
    const { host, until } = blow;
    const process = host.process();
    process?.pause();
    until(() => process?.resume());
  },
  'agent terminated': ({ host, until }) => {
    host.terminate();
    until(host.start);
  },
  /** A stop with `keep`, perhaps one that is broken off; the next run comes in time or not. */
  'agent handed over': (blow) => {
    const { world, host, until, fault, strength } = blow;
    host.handOver();
    if (strength > 0.5) world.timeline.after(fault.severity % 40, host.kill);
    until(host.start);
  },
  'database sick': ({ host, until }) => {
    host.setHealth('sick');
    until(() => host.setHealth('healthy'));
  },
  'database flapping': ({ world: { timeline }, host, fault }) => {
    for (let at = 0; at < fault.forMs; at += 700) {
      timeline.after(at, () => host.setHealth('sick'));
      timeline.after(Math.min(at + 350, fault.forMs), () => host.setHealth('healthy'));
    }
  },
  'wall clock stepped': ({ host, strength }) => {
    host.wallClockOffsetMs += (strength - 0.5) * 1e8;
  },
  'adds failing': ({ host, strength, until }) => {
    host.trouble.failing = Math.max(0.2, strength);
    until(() => {
      host.trouble.failing = 0;
    });
  },
  'kernel hanging': ({ world, host, fault }) => {
    const { timeline } = world;
    host.trouble.hangsUntil = Math.max(host.trouble.hangsUntil, timeline.now() + fault.forMs);
  },
  'address deleted': (blow) => {
    const entries = [...blow.host.kernel.addresses().values()].filter(
      ({ lifetimeSeconds }) => lifetimeSeconds !== Infinity,
    );
    const entry = entries[blow.fault.severity % Math.max(1, entries.length)];
    if (entry !== undefined) blow.host.kernel.deleteByHand(entry);
  },
  /** An address of the pool is configured on a host by somebody else: nobody may take it until it is gone again. */
  'address foreign': (blow) => {
    const { host, until } = blow;
    const address = targetAddress(blow);
    if (address === undefined) return;
    const place = { address, prefixLength: familyOf(address) === 4 ? 24 : 64, interface: INTERFACE };
    host.kernel.carryOut({ ...place, kind: 'add', label: INTERFACE, lifetimeSeconds: Infinity });
    until(() => host.kernel.deleteByHand(place));
  },
  'link down': ({ host, until }) => {
    host.kernel.setUp(false);
    until(() => host.kernel.setUp(true));
  },
  'secondaries not promoted': ({ host, until }) => {
    host.secondariesCanBeAllowed = false;
    host.kernel.allowSecondaries(false);
    until(() => {
      host.secondariesCanBeAllowed = true;
    });
  },
  drained: (blow) => {
    const { world, host, until } = blow;
    const key = world.keys.drain(host.name);
    world.cluster.store.transact([], [{ kind: 'put', key, value: '' }]);
    until(() => world.cluster.store.transact([], [{ kind: 'delete', key }]));
  },
} satisfies Partial<Record<FaultKind, (blow: Blow) => void>>;
