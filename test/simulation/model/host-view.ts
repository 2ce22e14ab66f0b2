import { Observable } from 'rxjs';
import type { KernelAsked } from '../../../src/agent.ts';
import type { Kernel, KernelAddress, KernelEvent, Link } from '../../../src/domain/kernel.ts';
import { kernelKey } from '../../../src/domain/kernel.ts';
import { type KernelTable, kernelTable } from '../../../src/domain/kernel-table.ts';
import { type HostAddress, type HostKernel, INTERFACE } from './host-kernel.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

const ROUTES: Kernel['routes'] = [
  { family: 4, subnet: 'default', interface: INTERFACE, metric: 0 },
  { family: 6, subnet: 'default', interface: INTERFACE, metric: 0 },
];

/** What the kernel had at a moment. */
interface Sight {
  readonly toldAt: number;
  readonly isListing: boolean;
  entries: readonly HostAddress[];
  up: boolean;
}

/**
 * The host's kernel as the agent follows it: a listing, then events, each a moment late, and listings on demand. What the
 * kernel answered is there at once, and what was seen before that may still come after it.
 */
export function kernelSeen(
  timeline: Timeline,
  random: Random,
  process: Process,
  kernel: HostKernel,
): (asked: KernelAsked) => Observable<Kernel> {
  return ({ relist$, answered$ }) =>
    new Observable((subscriber) => {
      let dueAt = 0;
      let askedAt = -Infinity;
      let newest: Sight | undefined;
      let table: KernelTable | undefined;
      const seen = new WeakMap<HostAddress, KernelAddress>();

      /** As it is now, told later; in order, one after the other. A listing reads every lifetime anew. */
      const tell = (delayMs: number, isListing: boolean): void => {
        const toldAt = timeline.now();
        const now = { entries: [...kernel.addresses().values()], up: kernel.isUp() };
        // What happened at one moment is read at once, as messages that wait in a socket are.
        if (!isListing && newest?.toldAt === toldAt && !newest.isListing) {
          Object.assign(newest, now);
          return;
        }
        const sight: Sight = { toldAt, isListing, ...now };
        newest = sight;
        const read = (entry: HostAddress): KernelAddress => {
          const known = isListing ? undefined : seen.get(entry);
          if (known !== undefined) return known;
          const { address, prefixLength, interface: name, label } = entry;
          // The kernel tells whole seconds, rounded up.
          const leftMs = (entry.lifetimeSeconds - Math.floor((toldAt - entry.setAt) / 1000)) * 1000;
          const expiresAt = process.scheduler.now() + leftMs;
          const fresh = { address, prefixLength, interface: name, label, expiresAt, duplicate: false };
          seen.set(entry, fresh);
          return fresh;
        };
        dueAt = Math.max(dueAt, toldAt + delayMs);
        timeline.at(dueAt, () =>
          process.deliver(() => {
            const addresses = new Map(sight.entries.map((entry) => [kernelKey(entry), read(entry)] as const));
            const link: Link = { name: INTERFACE, index: 2, up: sight.up };
            if (isListing || table === undefined)
              table = kernelTable({ addresses, links: new Map([[INTERFACE, link]]), routes: ROUTES });
            else table.apply(eventsTo(addresses, link, table.snapshot()));
            subscriber.next(table.snapshot());
          }),
        );
      };
      const unlisten = kernel.listen(() => tell(random.between(0.1, 5), false));
      tell(random.between(5, 30), true);
      const relisting = relist$.subscribe(() => {
        if (timeline.now() - askedAt < 50) return;
        askedAt = timeline.now();
        timeline.after(50, () => tell(random.between(5, 15), true));
      });
      const hearing = answered$.subscribe((events) => {
        if (table === undefined) return;
        table.apply(events);
        subscriber.next(table.snapshot());
      });
      return () => {
        hearing.unsubscribe();
        unlisten();
        relisting.unsubscribe();
      };
    });
}

/** What the kernel would have told between one state and the other. */
function eventsTo(
  addresses: ReadonlyMap<string, KernelAddress>,
  link: Link,
  before: Kernel,
): readonly KernelEvent[] {
  const gone = [...before.addresses].filter(([key]) => !addresses.has(key));
  const present = [...addresses].filter(([key, address]) => before.addresses.get(key) !== address);
  return [
    ...gone.map(([, address]) => ({ kind: 'address-gone', address }) as const),
    ...present.map(([, address]) => ({ kind: 'address', address }) as const),
    ...(before.links.get(link.name)?.up === link.up ? [] : [{ kind: 'link', link } as const]),
  ];
}
