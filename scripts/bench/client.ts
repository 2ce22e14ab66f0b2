import { setTimeout as delay } from 'node:timers/promises';
import { createBell } from '../../test/lab/support/bell.ts';
import type { Lab } from '../../test/lab/support/lab.ts';
import { startProcess } from '../../test/lab/support/lab-process.ts';

export interface Answer {
  readonly address: string;
  /** Wall clock in ms with microseconds behind the point. */
  readonly atMs: number;
  readonly host: string;
}

/** What a client of some addresses sees, who asks each of them every few milliseconds. */
export interface Client {
  /** The first answer after a moment that comes from a host other than `previous`. */
  readonly answeredByAnother: (address: string, previous: string, afterMs: number) => Promise<Answer>;
  /** The first answer from now on. */
  readonly answered: (address: string) => Promise<Answer>;
  /** The longest time between two answers of an address of which the later one came within the span. */
  readonly longestSilenceMs: (address: string, fromMs: number, toMs: number) => number;
  readonly stop: () => void;
}

const PATIENCE_MS = 30_000;
/** Of each address. */
const KEPT = 10_000;

/**
 * Asks by ICMP echo, so that it is the kernel that answers and no server's mood is measured. fping asks; the times are those
 * at which the kernel of the client received the answers, and who sent them shows by the hardware address.
 * (ping waits by spinning when it asks so often, on one of the cores that are measured.)
 */
export async function startClient(
  lab: Lab,
  addresses: readonly string[],
  { periodMs = 5 }: { readonly periodMs?: number } = {},
): Promise<Client> {
  const hosts = new Map(
    await Promise.all(lab.hosts.map(async ({ name }) => [await hardwareOf(lab, name), name] as const)),
  );
  // A bell for each: with hundreds of addresses who waits for one must not look at every answer of all.
  const asked = new Map(
    addresses.map((address) => [
      address,
      { answers: [] as Answer[], bell: createBell(() => lab.describe()) },
    ]),
  );
  const of = (address: string) => {
    const one = asked.get(address);
    if (one === undefined) throw new Error(`the client does not ask ${address}`);
    return one;
  };
  const { namespace } = lab.client;
  const listener = startProcess({
    name: 'tcpdump of the client',
    namespace,
    command: [
      ...(['tcpdump', '-tt', '-n', '-e', '-l', '-Z', 'root', '-i', 'eth0'] as const),
      ...['-B', '32768', '--immediate-mode', 'icmp[icmptype] == icmp-echoreply'],
    ],
    onLine(line) {
      const answer = parseAnswer(line, hosts);
      if (answer === undefined) return;
      const { answers, bell } = of(answer.address);
      answers.push(answer);
      if (answers.length > KEPT) answers.shift();
      bell.ring();
    },
  });
  await listener.waitForLine(/^listening on/, { timeoutMs: 5000, what: 'tcpdump to listen' });
  const asker = startProcess({
    name: 'fping of the client',
    namespace,
    command: ['fping', '-q', '-l', '-i', '0', '-p', `${periodMs}`, ...addresses],
  });
  const first = (address: string, isIt: (answer: Answer) => boolean, whom: string): Promise<Answer> =>
    of(address).bell.until(
      () => {
        for (const { name, exit, lines } of [listener, asker])
          if (exit !== undefined) throw new Error(`${name} ended:\n${lines.slice(-5).join('\n')}`);
        return of(address).answers.find(isIt);
      },
      { timeoutMs: PATIENCE_MS, what: `${address} to answer${whom}` },
    );
  return {
    answeredByAnother: (address, previous, afterMs) =>
      first(address, ({ host, atMs }) => atMs > afterMs && host !== previous, ` and not from ${previous}`),
    answered: (address) => {
      const nowMs = wallClockMs();
      return first(address, ({ atMs }) => atMs > nowMs, '');
    },
    longestSilenceMs: (address, fromMs, toMs) =>
      of(address).answers.reduce((longest, { atMs }, index, all) => {
        const before = all[index - 1];
        const counts = before !== undefined && atMs > fromMs && atMs <= toMs;
        return counts ? Math.max(longest, atMs - before.atMs) : longest;
      }, 0),
    stop() {
      for (const one of [asker, listener]) if (one.exit === undefined) one.signal('SIGKILL', 'tree');
    },
  };
}

const answerLine = /^(\d+\.\d+) ([0-9a-f:]{17}) > .* (\S+) > \S+: ICMP echo reply/;

/** Reads a line of `tcpdump -tt -n -e`; undefined for one that is no answer of a host of the lab. */
export function parseAnswer(line: string, hosts: ReadonlyMap<string, string>): Answer | undefined {
  const [, seconds, hardware = '', address = ''] = answerLine.exec(line) ?? [];
  const host = hosts.get(hardware);
  return host === undefined ? undefined : { address, atMs: Number(seconds) * 1000, host };
}

async function hardwareOf(lab: Lab, host: string): Promise<string> {
  return (await lab.run(host, 'cat', '/sys/class/net/eth0/address')).trim();
}

/** The clock of the client and of the judge, with the microseconds that Date.now() lacks. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Until some moment within a second: what is measured must not be in step with what happens periodically. */
export function sometime(leastMs: number): Promise<void> {
  return delay(leastMs + Math.random() * 1000);
}
