import * as z from 'zod';
import { type Address, parseAddress } from './address.ts';
import type { KeyValue } from './entries.ts';

/** The steps of a takeover, in milliseconds since it was detected, by the taker's monotonic clock. */
export interface TakeoverPhases {
  /** The taker saw that the address had to move. */
  readonly detected: number;
  /** The holder gave it back … */
  readonly released?: number;
  /** … or the holder's lease ended. Neither where nobody held it. */
  readonly expired?: number;
  /** The taker's mark is in etcd. */
  readonly claimed: number;
  /** The kernel has the address. */
  readonly added: number;
  /** The first announcement is out; absent where it failed. */
  readonly announced?: number;
}

/**
 * unheld: nobody had it. released: its holder had to give it back, as when its database is sick, it is drained or stops.
 * expired: its holder did not answer until its lease was over. balance: to even the loads. asked: an operator's wish.
 */
export const TAKEOVER_CAUSES = ['unheld', 'released', 'expired', 'balance', 'asked'] as const;
export type TakeoverCause = (typeof TAKEOVER_CAUSES)[number];

/** One address that changed hands, as its taker saw it. */
export interface Takeover {
  /** Unique within the service. */
  readonly id: string;
  readonly address: Address;
  /** Null: nobody held it. */
  readonly from: string | null;
  readonly to: string;
  /** Absent in what was written before there were causes. */
  readonly cause?: TakeoverCause;
  /** The plan's, a sentence for an operator. */
  readonly reason: string;
  /** ISO time of the detection, by the taker's wall clock. */
  readonly at: string;
  readonly phases: TakeoverPhases;
}

/** One key's value: what a node took over at about the same time. */
export function formatTakeovers(takeovers: readonly Takeover[]): string {
  return JSON.stringify(takeovers);
}

const milliseconds = z.number().nonnegative();
const takeover = z.object({
  id: z.string(),
  address: z.string(),
  from: z.string().nullable(),
  to: z.string(),
  cause: z.enum(TAKEOVER_CAUSES).optional().catch(undefined),
  reason: z.string(),
  at: z.string(),
  phases: z.object({
    detected: milliseconds,
    released: milliseconds.optional(),
    expired: milliseconds.optional(),
    claimed: milliseconds,
    added: milliseconds,
    announced: milliseconds.optional(),
  }),
});

/** All that the keys below `history/` tell, oldest first by etcd's order; what cannot be read is left out. */
export function readHistory(keyValues: readonly KeyValue[]): readonly Takeover[] {
  const ordered = keyValues.toSorted((a, b) => a.modRevision - b.modRevision);
  return ordered.flatMap(({ value }) => readTakeovers(value));
}

function readTakeovers(text: string): readonly Takeover[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [];
  }
  return (Array.isArray(json) ? json : []).flatMap((item): Takeover[] => {
    const parsed = takeover.safeParse(item);
    const address = parsed.success ? parseAddress(parsed.data.address) : undefined;
    return parsed.success && address !== undefined ? [{ ...(parsed.data as Takeover), address }] : [];
  });
}
