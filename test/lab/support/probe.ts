import { join } from 'node:path';
import { createBell, type Limit } from './bell.ts';
import { startProcess } from './lab-process.ts';
import type { NetworkHost } from './network.ts';

/** A time between two answers of an address, longer than it takes to knock twice. */
export interface Silence {
  readonly address: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly ms: number;
}

/** What a client of the addresses notices. */
export interface Probe {
  /** Silences that have ended, oldest first. */
  readonly silences: readonly Silence[];
  /** Resolves when every address has answered at least once. */
  untilAllAnswered(limit: Limit): Promise<void>;
  /** Resolves when an address has answered after a moment of the wall clock. */
  untilAnswered(address: string, afterMs: number, limit: Limit): Promise<void>;
  /** Resolves when a knock of after a moment has had no answer for half a second. */
  untilUnanswered(address: string, afterMs: number, limit: Limit): Promise<void>;
  /** Of the silences that ended after a moment; 0 when there was none. */
  longestSilenceMs(address: string, afterMs: number): number;
  stop(): void;
}

export interface ProbeOptions {
  readonly periodMs?: number;
  /** What counts as a silence; default three periods. */
  readonly silenceMs?: number;
}

interface Knock {
  readonly address: string;
  readonly isAnswered: boolean;
  readonly knockedMs: number;
  /** When it was answered, or waited for no more. */
  readonly atMs: number;
}

const keptSilences = 1000;

/** Knocks at addresses from a host (the lab's `client`) until it is stopped or the lab ends. */
export function startProbe(
  from: NetworkHost,
  addresses: readonly string[],
  { periodMs = 20, silenceMs = 3 * periodMs }: ProbeOptions = {},
): Probe {
  const silences: Silence[] = [];
  const lastAnswerMs = new Map<string, number>();
  const lastUnansweredMs = new Map<string, number>();
  const bell = createBell(() => {
    const missing = addresses.filter((address) => !lastAnswerMs.has(address));
    const recent = silences.slice(-10).map((silence) => `  ${JSON.stringify(silence)}`);
    return [`never answered: ${missing.join(', ') || 'none'}; the last silences:`, ...recent].join('\n');
  });
  const hearAnswer = ({ address, atMs }: Knock) => {
    const fromMs = lastAnswerMs.get(address) ?? atMs;
    if (atMs - fromMs >= silenceMs) silences.push({ address, fromMs, toMs: atMs, ms: atMs - fromMs });
    if (silences.length > keptSilences) silences.shift();
    lastAnswerMs.set(address, atMs);
  };
  const hear = (knock: Knock) => {
    if (knock.isAnswered) hearAnswer(knock);
    else lastUnansweredMs.set(knock.address, knock.knockedMs);
    bell.ring();
  };
  const probe = startProcess({
    name: `probe of ${from.name}`,
    namespace: from.namespace,
    command: [process.execPath, join(import.meta.dirname, 'probe-process.ts'), `${periodMs}`, ...addresses],
    onLine(line, source) {
      if (source === 'stdout') hear(JSON.parse(line));
    },
  });
  void probe.exited.then(() => bell.ring());
  const until = async (look: () => boolean, limit: Limit) => {
    await bell.until(() => {
      if (probe.exit !== undefined) throw new Error(`the probe ended:\n${probe.lines.slice(-5).join('\n')}`);
      return look();
    }, limit);
  };
  return {
    silences,
    untilAllAnswered: (limit) => until(() => addresses.every((address) => lastAnswerMs.has(address)), limit),
    untilAnswered: (address, afterMs, limit) =>
      until(() => (lastAnswerMs.get(address) ?? 0) > afterMs, limit),
    untilUnanswered: (address, afterMs, limit) =>
      until(() => (lastUnansweredMs.get(address) ?? 0) > afterMs, limit),
    longestSilenceMs: (address, afterMs) =>
      silences
        .filter((silence) => silence.address === address && silence.toMs > afterMs)
        .reduce((longest, { ms }) => Math.max(longest, ms), 0),
    stop() {
      if (probe.exit === undefined) probe.signal('SIGKILL', 'tree');
    },
  };
}
