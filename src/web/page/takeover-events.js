/**
 * What the history tells, as events with a sentence each.
 * @import { Takeover } from '../../domain/history.ts'
 */
import { addresses } from './words.js';

/**
 * Takeovers of one cause at about the same time.
 * @typedef {{
 *   readonly id: string,
 *   readonly at: string,
 *   readonly cause: NonNullable<Takeover['cause']> | undefined,
 *   readonly from: string | null,
 *   readonly takeovers: Takeover[],
 * }} TakeoverEvent
 */

/** What one event moves is over by then, by clocks that may differ a little. */
const ONE_EVENT_MS = 2000;

/**
 * The newest first.
 * @param {readonly Takeover[]} takeovers
 * @returns {readonly TakeoverEvent[]}
 */
export function eventsOf(takeovers) {
  /** @type {TakeoverEvent[]} */
  const events = [];
  /** @type {Map<string, TakeoverEvent>} */
  const newest = new Map();
  for (const takeover of takeovers.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))) {
    const { id, at, cause, from } = takeover;
    const kind = `${cause} ${from}`;
    const known = newest.get(kind);
    if (known !== undefined && Date.parse(at) - Date.parse(known.at) <= ONE_EVENT_MS) {
      known.takeovers.push(takeover);
      continue;
    }
    const event = { id, at, cause, from, takeovers: [takeover] };
    newest.set(kind, event);
    events.push(event);
  }
  return events.toReversed();
}

/**
 * What happened, as a sentence.
 * @param {TakeoverEvent} event
 */
export function eventText({ cause, from, takeovers }) {
  const what = takeovers.length === 1 ? `${takeovers[0]?.address}` : addresses(takeovers.length);
  const are = takeovers.length === 1 ? 'was' : 'were';
  switch (cause) {
    case 'released':
      return `${from} gave ${what} back`;
    case 'expired':
      return `${from} was lost; ${what} went to others`;
    case 'balance':
      return `${from} gave ${what} up for the balance`;
    case 'asked':
      return `${what} moved from ${from ?? 'nobody'}, as asked`;
    case 'unheld':
      return `${what} ${are} free, and taken`;
    default:
      return `${what} ${are} taken${from === null ? '' : ` from ${from}`}`;
  }
}

/**
 * How long each phase took, ms.
 * @param {Takeover['phases']} phases
 */
export function phasesOf({ released, expired, claimed, added, announced }) {
  const freed = released ?? expired;
  return [
    { phase: 'free', ms: freed ?? 0 },
    { phase: 'claim', ms: Math.max(0, claimed - (freed ?? 0)) },
    { phase: 'add', ms: added - claimed },
    { phase: 'announce', ms: announced === undefined ? 0 : announced - added },
  ];
}

/** @param {Takeover['phases']} phases */
export function totalOf({ added, announced }) {
  return announced ?? added;
}
