import { presentAddresses, startMonitor } from './address-monitor.ts';
import { type Change, createAddressRecord } from './address-record.ts';
import { type Bell, createBell, type Limit } from './bell.ts';
import { run } from './command.ts';
import {
  type AddressEvent,
  canonicalAddress,
  findGaps,
  findOverlaps,
  type Gap,
  type Holding,
  type Overlap,
} from './holdings.ts';
import type { NetworkHost } from './network.ts';

export type { Change };

/**
 * Knows from the kernels of all hosts who has which address, and when. Addresses of the hosts themselves,
 * loopback and link-local ones do not count.
 *
 * All namespaces share one kernel clock, so times compare between hosts. A time is taken by `ip monitor` when it
 * prints the event, a few microseconds after the kernel's change on an idle machine; on a busy one it may come
 * later, by milliseconds, and for a removal and an addition in different namespaces by different amounts.
 */
export interface Judge {
  /** Every change, oldest first as heard. */
  readonly changes: readonly Change[];
  onChange(listener: (change: Change) => void): () => void;
  holders(address: string): string[];
  addressesOf(host: string): string[];
  /** How many addresses each host has. */
  counts(): Record<string, number>;
  /** The largest number of addresses a host has, minus the smallest. */
  spread(hosts?: readonly string[]): number;
  holdings(address?: string): Holding[];
  overlaps(): Overlap[];
  gaps(address: string): Gap[];
  /** Who has what, a line a host. */
  layout(): string;
  /** Asks at once and after every event; the limit's error says who has what. */
  until<T>(look: (judge: Judge) => T, limit: Limit): Promise<NonNullable<Exclude<T, false>>>;
  /** Resolves when all that the kernels said before this call has been heard. */
  catchUp(): Promise<void>;
}

/** An address that only the judge uses, on lo, whose echo proves that the monitor listens and has caught up. */
const marker = '127.77.77.77';

/**
 * @param watched the hosts to judge
 * @param own all addresses that do not count
 * @param describe what to print beside the layout when a wait fails
 */
export async function createJudge(
  watched: readonly NetworkHost[],
  own: readonly string[],
  describe: () => Promise<string>,
): Promise<Judge> {
  const ignored = new Set(own.map(canonicalAddress));
  const records = new Map(watched.map(({ name }) => [name, createAddressRecord(name)]));
  const changes: Change[] = [];
  const listeners = new Set<(change: Change) => void>();
  const heardMarkers = new Map<string, number>();
  const bell: Bell = createBell(
    async () => `${judge.layout()}\n${lastChanges(changes)}\n${await describe()}`,
  );
  const markerBell = createBell(() => '');
  let blind: string | undefined;

  const hear = (host: string, event: AddressEvent) => {
    if (event.address === marker) {
      heardMarkers.set(host, (heardMarkers.get(host) ?? 0) + 1);
      return markerBell.ring();
    }
    if (!ignored.has(event.address) && !isLocal(event.address)) {
      const change = records.get(host)?.apply(event);
      if (change !== undefined) {
        changes.push(change);
        for (const listener of listeners) listener(change);
      }
    }
    bell.ring();
  };
  const goBlind = (reason: string) => {
    blind ??= reason;
    bell.ring();
    markerBell.ring();
  };
  const ensureSight = () => {
    if (blind !== undefined) throw new Error(`the judge has missed something: ${blind}`);
  };

  await Promise.all(watched.map((host) => startMonitor(host, (event) => hear(host.name, event), goBlind)));

  const catchUpOn = async ({ name, namespace }: NetworkHost) => {
    const before = heardMarkers.get(name) ?? 0;
    const heard = () => {
      ensureSight();
      return (heardMarkers.get(name) ?? 0) > before;
    };
    // Repeated, since a monitor that has only just been started may not listen yet. The limit is a safety net.
    for (const limit = performance.now() + 30_000; !heard(); ) {
      if (performance.now() > limit)
        throw new Error(`the address monitor of ${name} does not hear the kernel`);
      await run('ip', ['-n', namespace, 'address', 'replace', `${marker}/32`, 'dev', 'lo']);
      await markerBell.until(heard, { timeoutMs: 100, what: 'the marker' }).catch(ensureSight);
    }
  };

  const allHoldings = () => [...records.values()].flatMap((record) => record.holdings());
  const judge: Judge = {
    changes,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    holders(address) {
      const wanted = canonicalAddress(address);
      return [...records].filter(([, record]) => record.has(wanted)).map(([host]) => host);
    },
    addressesOf: (host) => records.get(host)?.present() ?? [],
    counts: () => Object.fromEntries([...records].map(([host, record]) => [host, record.count()])),
    spread(hosts = [...records.keys()]) {
      const counts = hosts.map((host) => judge.addressesOf(host).length);
      return Math.max(...counts) - Math.min(...counts);
    },
    holdings(address) {
      const wanted = address === undefined ? undefined : canonicalAddress(address);
      return allHoldings().filter((holding) => wanted === undefined || holding.address === wanted);
    },
    overlaps() {
      ensureSight();
      return findOverlaps(allHoldings(), Date.now());
    },
    gaps: (address) => findGaps(judge.holdings(address), Date.now()),
    layout: () =>
      [...records].map(([host, record]) => `${host}: ${record.present().join(' ') || '-'}`).join('\n'),
    until: (look, limit) =>
      bell.until(() => {
        ensureSight();
        return look(judge);
      }, limit),
    catchUp: async () => void (await Promise.all(watched.map(catchUpOn))),
  };

  await judge.catchUp();
  for (const { name, namespace } of watched) {
    for (const event of await presentAddresses(namespace)) hear(name, event);
  }
  return judge;
}

function isLocal(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('fe80:');
}

function lastChanges(changes: readonly Change[]): string {
  const lines = changes
    .slice(-15)
    .map(({ atMs, host, address, kind }) => `  ${new Date(atMs).toISOString()} ${host} ${kind} ${address}`);
  return ['the last changes:', ...lines].join('\n');
}
