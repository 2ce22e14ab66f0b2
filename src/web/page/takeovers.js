/**
 * @import { StatusDocument } from '../document.ts'
 * @import { Takeover } from '../../domain/history.ts'
 * @import { TakeoverEvent } from './takeover-events.js'
 */
import { arrange, byId, element, keyed, setText } from './element.js';
import { eventsOf, eventText, phasesOf, totalOf } from './takeover-events.js';
import { clock, duration } from './words.js';

const items = keyed(
  (/** @type {TakeoverEvent} */ { cause }) => {
    const summary = element('summary', {}, [
      element('time', { class: 'at' }),
      element('span', { class: 'what' }),
      element('span', { class: 'took' }),
    ]);
    const details = element('details', {}, [summary, element('ul', { class: 'legs' })]);
    return element('li', { class: 'event', 'data-cause': cause ?? 'unknown' }, [details]);
  },
  (item, event) => {
    const [time, what, took] = item.querySelectorAll('.at, .what, .took');
    const legs = item.querySelector('.legs');
    if (!time || !what || !took || !legs) return;
    time.setAttribute('datetime', event.at);
    setText(time, clock(event.at, Date.now()));
    setText(what, eventText(event));
    setText(took, duration(Math.max(...event.takeovers.map(({ phases }) => totalOf(phases)))));
    // Nothing about a takeover on record ever changes.
    if (legs.childElementCount !== event.takeovers.length)
      legs.replaceChildren(...event.takeovers.map(legOf));
  },
);

let isFirst = true;

/**
 * What happened, the newest first, each with its takeovers and where their time went.
 * @param {StatusDocument} status
 */
export function showTakeovers({ takeovers }) {
  const made = items(eventsOf(takeovers), ({ id }) => id);
  arrange(byId('takeovers'), [...made.values()]);
  byId('takeovers-none').hidden = made.size > 0;
  byId('legend').hidden = made.size === 0;
  const newest = [...made.values()][0]?.querySelector('details');
  if (isFirst && newest) {
    newest.open = true;
    isFirst = false;
  }
}

/** @param {Takeover} takeover */
function legOf({ address, from, to, reason, phases }) {
  const path = from === null ? `to ${to}` : `${from} → ${to}`;
  const row = element('li', { class: 'leg' }, [
    element('span', { class: 'address', text: address }),
    element('span', { class: 'path', text: path }),
    barOf(phases),
    element('span', { class: 'took', text: duration(totalOf(phases)) }),
  ]);
  row.title = reason;
  return row;
}

/**
 * The whole is the whole bar: where the time went, not how long it was, which stands beside it.
 * @param {Takeover['phases']} phases
 */
function barOf(phases) {
  const known = phasesOf(phases);
  const words = known.filter(({ ms }) => ms > 0).map(({ phase, ms }) => `${phase} ${duration(ms)}`);
  const label = words.join(', ');
  const bar = element('span', { class: 'bar', role: 'img', 'aria-label': label, title: label });
  for (const { phase, ms } of known) {
    if (ms <= 0) continue;
    const segment = element('span', { 'data-phase': phase });
    segment.style.flexGrow = `${ms}`;
    bar.append(segment);
  }
  return bar;
}
