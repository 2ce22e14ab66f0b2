import { isProlongation, type Kernel, type KernelAddress, type KernelEvent, kernelKey } from './kernel.ts';
import { type SnapshotMap, snapshotMap } from './snapshot-map.ts';

/** The kernel as events change it: copied when it is looked at, not with each of the thousand lines of a renewal. */
export interface KernelTable {
  /** Whether the events told anything but later ends of lifetimes. */
  readonly apply: (events: readonly KernelEvent[]) => boolean;
  /** The same again as long as nothing changed. */
  readonly snapshot: () => Kernel;
}

export function kernelTable(listed: Kernel): KernelTable {
  const addresses = filled(listed.addresses);
  const links = filled(listed.links);
  let placing = {};
  let latest = listed;

  /** Whether it was news. */
  const take = (event: KernelEvent): boolean => {
    if (event.kind === 'link') links.set(event.link.name, event.link);
    if (event.kind === 'link-gone') links.delete(event.name);
    if (!('address' in event)) return true;
    const key = kernelKey(event.address);
    if (isOutdated(event, addresses.get(key))) return false;
    const isThere = event.kind === 'address' || event.kind === 'put-on';
    const isNews = !isThere || !isProlongation(addresses.get(key), event.address);
    if (isNews) placing = {};
    if (isThere) addresses.set(key, event.address);
    else addresses.delete(key);
    return isNews;
  };

  return {
    apply: (events) => events.map(take).includes(true),
    snapshot: () => {
      const now = { addresses: addresses.snapshot(), links: links.snapshot() };
      if (latest.addresses !== now.addresses || latest.links !== now.links) latest = { ...listed, ...now };
      placings.set(latest.addresses, placing);
      return latest;
    },
  };
}

/** Whether the kernel's answer comes after what it told: what is there, or is permanent, is newer than it. */
function isOutdated({ kind }: KernelEvent, known: KernelAddress | undefined): boolean {
  return (
    (kind === 'put-on' && known !== undefined) || (kind === 'taken-off' && known?.expiresAt === Infinity)
  );
}

/** The kernel after `events`, in their order. */
export function applyEvents(kernel: Kernel, events: readonly KernelEvent[]): Kernel {
  const table = kernelTable(kernel);
  table.apply(events);
  return table.snapshot();
}

/** By the map of the addresses: what all those have in common between which nothing but lifetimes changed. */
const placings = new WeakMap<Kernel['addresses'], object>();

/**
 * Stands for what is on which interface: the same object as long as addresses got no more than later ends of their
 * lifetimes. What follows from the rest of them needs not to be worked out again.
 */
export function placingOf(addresses: ReadonlyMap<string, KernelAddress>): object {
  return placings.get(addresses) ?? addresses;
}

function filled<Value>(from: ReadonlyMap<string, Value>): SnapshotMap<string, Value> {
  const map = snapshotMap<string, Value>();
  for (const [key, value] of from) map.set(key, value);
  return map;
}
