import { type Address, familyOf } from '../../../src/domain/address.ts';
import { type KernelPlace, kernelKey } from '../../../src/domain/kernel.ts';
import type { AddressChange, ChangeError } from '../../../src/kernel/address-setter.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** One address on an interface. */
export interface HostAddress extends KernelPlace {
  readonly label: string | null;
  /** Infinity for a permanent address. */
  readonly lifetimeSeconds: number;
  readonly setAt: number;
}

/** The addresses and the one interface of a host, which outlive every process. */
export interface HostKernel {
  readonly addresses: () => ReadonlyMap<string, HostAddress>;
  readonly isUp: () => boolean;
  /** A lifetime of Infinity makes a permanent address. */
  readonly carryOut: (change: AddressChange) => ChangeError | undefined;
  /** What an operator deletes, be it yaim's or not. */
  readonly deleteByHand: (place: KernelPlace) => void;
  readonly setUp: (up: boolean) => void;
  readonly allowSecondaries: (allowed: boolean) => void;
  readonly listen: (hear: () => void) => () => void;
  /** For injected bugs: nothing ends by itself, no lifetime gets shorter, or removals are late though acknowledged. */
  readonly bugs: { keepsForever: boolean; neverShortens: boolean; removesLateMs: number };
}

export interface KernelWitness {
  readonly appeared: (address: Address) => void;
  readonly disappeared: (address: Address) => void;
  /** An address that was put there by hand, for ever, was changed or removed by an agent. */
  readonly touchedForeign: (address: Address) => void;
}

/** What the kernel may be early or late, as measured. */
const EARLY_MS = 20;
const LATE_MS = 980;

type Put = Extract<AddressChange, { readonly lifetimeSeconds: number }>;

export const INTERFACE = 'eth0';

function endOf({ setAt, lifetimeSeconds }: HostAddress): number {
  return setAt + lifetimeSeconds * 1000;
}

export function hostKernelOn(timeline: Timeline, random: Random, witness: KernelWitness): HostKernel {
  const addresses = new Map<string, HostAddress>();
  const listeners = new Set<() => void>();
  const bugs = { keepsForever: false, neverShortens: false, removesLateMs: 0 };
  let up = true;
  let promotes = false;

  const changed = (): void => {
    for (const hear of [...listeners]) hear();
  };

  const put = (key: string, { kind: _, label, ...change }: Put): void => {
    const before = addresses.get(key);
    const isNew = before === undefined;
    const entry: HostAddress = { ...change, label: label ?? null, setAt: timeline.now() };
    if (bugs.neverShortens && before !== undefined && endOf(before) > endOf(entry)) return;
    addresses.set(key, entry);
    if (entry.lifetimeSeconds !== Infinity && !bugs.keepsForever) {
      timeline.after(entry.lifetimeSeconds * 1000 + random.extreme(-EARLY_MS, LATE_MS), () => {
        if (addresses.get(key) === entry) takeOff(key);
      });
    }
    if (isNew && entry.lifetimeSeconds !== Infinity) witness.appeared(entry.address);
    changed();
  };

  const takeOff = (key: string): void => {
    const entry = addresses.get(key);
    if (entry === undefined) return;
    const secondaries = promotes ? [] : secondariesOf(addresses, key, entry);
    for (const gone of [key, ...secondaries]) {
      const { address, lifetimeSeconds } = addresses.get(gone) as HostAddress;
      addresses.delete(gone);
      if (lifetimeSeconds === Infinity) continue;
      if (bugs.removesLateMs > 0) timeline.after(bugs.removesLateMs, () => witness.disappeared(address));
      else witness.disappeared(address);
    }
    changed();
  };

  return {
    bugs,
    addresses: () => addresses,
    isUp: () => up,
    carryOut: (change) => {
      if (change.interface !== INTERFACE) return { code: 'ENODEV', message: 'no such device' };
      const key = kernelKey(change);
      const isForeign = addresses.get(key)?.lifetimeSeconds === Infinity;
      if (isForeign && change.kind !== 'add') witness.touchedForeign(change.address);
      if (change.kind === 'remove') {
        if (!addresses.has(key)) return { code: 'EADDRNOTAVAIL', message: 'not found' };
        takeOff(key);
      } else if (change.kind === 'add' && addresses.has(key)) return { code: 'EEXIST', message: 'assigned' };
      else put(key, change);
      return undefined;
    },
    deleteByHand: (place) => takeOff(kernelKey(place)),
    setUp: (isUp) => {
      up = isUp;
      // With its link IPv6 loses its addresses, IPv4 does not.
      if (!up) for (const [key, { address }] of [...addresses]) if (familyOf(address) === 6) takeOff(key);
      changed();
    },
    allowSecondaries: (allowed) => {
      promotes = allowed;
    },
    listen: (hear) => {
      listeners.add(hear);
      return () => listeners.delete(hear);
    },
  };
}

/** Whoever is first in an IPv4 network takes the later ones along, unless promote_secondaries is set. */
function secondariesOf(
  addresses: ReadonlyMap<string, HostAddress>,
  key: string,
  { address, prefixLength }: HostAddress,
): string[] {
  if (familyOf(address) === 6 || prefixLength === 32) return [];
  const inNetwork = [...addresses].filter(
    ([, other]) => other.prefixLength === prefixLength && networkOf(other.address) === networkOf(address),
  );
  return inNetwork[0]?.[0] === key ? inNetwork.slice(1).map(([other]) => other) : [];
}

/** The simulation's networks have 24 bits. */
function networkOf(address: Address): string {
  return address.slice(0, address.lastIndexOf('.'));
}
