import type { Action, EtcdAction } from '../../../src/domain/action.ts';
import type { LeaseId } from '../../../src/domain/cluster.ts';
import { type Kernel, type KernelAddress, kernelKey } from '../../../src/domain/kernel.ts';
import { lifetimeSeconds, provenUntil, type Session } from '../../../src/domain/session.ts';
import type { Local, Planned, View } from '../../../src/domain/view.ts';

/** One node of a crowd: what it has on its interface, and what it sees. Its kernel obeys at once. */
export interface Member {
  readonly name: string;
  readonly leaseId: LeaseId;
  readonly view: (world: Seen) => View;
  /** Carries out what concerns the kernel; answers whether an address came or went. */
  readonly obey: (actions: readonly Action[], now: number) => boolean;
  readonly sends: (action: EtcdAction) => void;
}

/** What every node sees alike. */
export interface Seen {
  readonly now: number;
  readonly planned: Planned;
  readonly rebalance: boolean;
}

const INTERFACE = 'eth0';
const LABEL = 'yaim';
const TTL_MS = 6000;
const links: Kernel['links'] = new Map([[INTERFACE, { name: INTERFACE, index: 2, up: true }]]);
/** No interface is configured: it is found by route, which costs more. */
const routes: Kernel['routes'] = [
  { family: 4, subnet: 'default', interface: INTERFACE, metric: 0 },
  { family: 4, subnet: '10.0.0.0/8', interface: INTERFACE, metric: 0 },
  { family: 4, subnet: '192.168.0.0/16', interface: INTERFACE, metric: 0 },
];
const health: View['health'] = { kind: 'healthy', reason: '', since: '2026-01-01T00:00:00.000Z' };

export function memberOf(name: string, leaseId: LeaseId): Member {
  const settings = { nodename: name, interface: null, netmask: null, label: LABEL, weight: 1 };
  const session = (now: number): Session => ({
    leaseId,
    instance: `${name}-1`,
    ttlMs: TTL_MS,
    provenUntil: provenUntil(now, TTL_MS),
  });
  let kernel: Kernel = { addresses: new Map(), links, routes };
  let local: Local = { refusals: new Map(), releasing: new Map(), recorded: new Set() };
  return {
    name,
    leaseId,
    view: ({ now, planned, rebalance }) => ({
      ...{ now, planned, rebalance, settings, kernel, local, health },
      session: session(now),
      stopping: false,
    }),
    obey: (actions, now) => {
      const addresses = new Map(kernel.addresses);
      let hasMoved = false;
      for (const action of actions) {
        if (action.kind === 'remove') addresses.delete(kernelKey(action));
        else if (action.kind === 'add' || action.kind === 'renew') {
          addresses.set(kernelKey(action), onInterface(action, session(now), now));
        } else continue;
        hasMoved ||= action.kind !== 'renew';
      }
      kernel = { addresses, links, routes };
      return hasMoved;
    },
    sends: (action) => {
      if (action.kind !== 'release') return;
      const sent = action.releases.flatMap(({ address, guardRevision }) =>
        guardRevision === null ? [] : [[address, guardRevision] as const],
      );
      local = { ...local, releasing: new Map([...local.releasing, ...sent]) };
    },
  };
}

function onInterface(
  action: Pick<KernelAddress, 'address' | 'interface' | 'prefixLength'>,
  session: Session,
  now: number,
): KernelAddress {
  const { address, prefixLength } = action;
  const expiresAt = now + lifetimeSeconds(session, now) * 1000;
  return {
    ...{ address, prefixLength, interface: action.interface, expiresAt },
    label: `${action.interface}:${LABEL}`,
    duplicate: false,
  };
}
