import type { Config } from '../config/config.ts';
import { readHistory, type Takeover, type TakeoverCause, type TakeoverPhases } from '../domain/history.ts';
import { dim, printable, table } from './text.ts';
import { withEtcd } from './with-etcd.ts';

export interface HistoryOptions {
  readonly json?: boolean;
}

/** Past takeovers, oldest first: who took which address from whom, why, and how long each phase took. */
export async function history(config: Config, { json }: HistoryOptions): Promise<void> {
  const { keyValues } = await withEtcd(config, ({ etcd, keys, attempt }) =>
    attempt(() => etcd.range(keys.history, 'prefix')),
  );
  const takeovers = readHistory(keyValues);
  process.stdout.write(
    json === true ? `${JSON.stringify({ takeovers }, undefined, 2)}\n` : historyText(takeovers),
  );
}

const CAUSES: Readonly<Record<TakeoverCause, string>> = {
  unheld: 'it was free',
  released: 'it was given back',
  expired: "its holder's lease ended",
  balance: 'for the balance',
  asked: 'it was asked for',
};

/** A line a takeover; all times are milliseconds since the taker saw that the address had to move. */
export function historyText(takeovers: readonly Takeover[]): string {
  if (takeovers.length === 0) return 'no takeover is on record yet\n';
  const rows = takeovers.map(({ at, address, from, to, cause, reason, phases }) => [
    printable(at),
    address,
    from === null ? dim('nobody') : printable(from),
    printable(to),
    freed(phases),
    milliseconds(phases.claimed),
    milliseconds(phases.added),
    milliseconds(phases.announced),
    printable(cause === undefined ? reason : `${CAUSES[cause]}: ${reason}`),
  ]);
  const headings = ['DETECTED', 'ADDRESS', 'FROM', 'TO', 'FREE', 'CLAIMED', 'ADDED', 'ANNOUNCED', 'WHY'];
  return `${table(headings, rows)}\n`;
}

function freed({ released, expired }: TakeoverPhases): string {
  if (released !== undefined) return `${milliseconds(released)} released`;
  return expired === undefined ? '' : `${milliseconds(expired)} expired`;
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '' : `${value.toFixed(1)} ms`;
}
