import { run } from './command.ts';
import { type AddressEvent, canonicalAddress, parseAddressEvent } from './holdings.ts';
import { hurry } from './hurry.ts';
import { startProcess } from './lab-process.ts';
import type { NetworkHost } from './network.ts';

/**
 * What ip says, once it listens, of each file in /run/netns that is no namespace, as another lab's is between being
 * made and being mounted. It asks only to print names of the namespaces of peers.
 */
const otherNamespace = 'Error: Peer netns reference is invalid.';

/**
 * Listens to the kernel of a host until its namespace ends.
 * @param onBlind called when an event may have been missed
 */
export async function startMonitor(
  { name, namespace }: NetworkHost,
  onEvent: (event: AddressEvent) => void,
  onBlind: (reason: string) => void,
): Promise<void> {
  const monitor = startProcess({
    name: `address monitor of ${name}`,
    namespace,
    // ip flushes after every event by itself. A large buffer: a thousand renewals come in one burst.
    command: ['ip', '-rcvbuf', '16777216', '-ts', '-o', 'monitor', 'address'],
    onLine(line, source) {
      const event = parseAddressEvent(line);
      if (event !== undefined) onEvent(event);
      // An overrun socket is reported here, and after it nothing is certain.
      else if (source === 'stderr' && line !== otherNamespace) onBlind(`${name}: ${line}`);
    },
  });
  void monitor.exited.then(({ code, signal }) => onBlind(`the monitor of ${name} ended: ${signal ?? code}`));
  // Else the removal here is stamped after the addition there that it made possible, and looks like an overlap.
  await hurry([monitor.pid], 'the judge’s times');
}

/** What is on a namespace's interfaces already, as if it had come now. */
export async function presentAddresses(namespace: string): Promise<AddressEvent[]> {
  interface Link {
    readonly ifname: string;
    readonly addr_info: readonly { readonly local?: string; readonly prefixlen: number }[];
  }
  const links: Link[] = JSON.parse(await run('ip', ['-n', namespace, '-json', 'address', 'show']));
  return links.flatMap(({ ifname, addr_info }) =>
    addr_info.flatMap(({ local, prefixlen }) => {
      if (local === undefined) return [];
      const address = canonicalAddress(local);
      return [
        { atMs: Date.now(), interface: ifname, address, prefixLength: prefixlen, kind: 'present' as const },
      ];
    }),
  );
}
