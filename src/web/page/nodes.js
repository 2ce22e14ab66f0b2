/**
 * @import { StatusDocument } from '../document.ts'
 * @import { NodeReport } from '../../domain/node-report.ts'
 */
import { arrange, byId, element, keyed, setText } from './element.js';
import { fly, positionsOf } from './flight.js';
import { count } from './words.js';

/** Told by shape as well as by colour. */
const GLYPHS = { healthy: '●', starting: '◐', sick: '▲', drained: '◌', unreachable: '✕', stopped: '■' };

const cards = keyed(
  (/** @type {Card} */ { name }) => cardOf(name),
  (card, { title, state, glyph, detail, since, addresses }) => {
    card.dataset['state'] = state;
    setText(part(card, '.glyph'), glyph);
    setText(part(card, '.name'), title);
    setText(part(card, '.count'), `${addresses.length}`);
    setText(part(card, '.unit'), addresses.length === 1 ? 'address' : 'addresses');
    setText(part(card, '.detail'), detail);
    const age = part(card, '.age');
    if (since === null) age.removeAttribute('data-since');
    else age.setAttribute('data-since', since);
  },
);

const chips = keyed(
  (/** @type {{ address: string, holder: string | null, next: string | null }} */ { address }) =>
    element('li', { class: 'chip', 'data-address': address, text: address }),
  (chip, { holder, next }) => {
    chip.classList.toggle('moving', next !== null && holder !== null);
    chip.title = next ?? '';
  },
);

/**
 * @typedef {{
 *   readonly name: string, readonly title: string, readonly state: string, readonly glyph: string,
 *   readonly detail: string, readonly since: string | null, readonly addresses: readonly string[],
 * }} Card
 */

/**
 * A card a node with its addresses, and one for those that nobody holds.
 * @param {StatusDocument} status
 */
export function showNodes({ nodes, lost, addresses, self }) {
  const unheld = addresses.filter(({ holder }) => holder === null).map(({ address }) => address);
  /** @type {Card[]} */
  const wanted = nodes.map((node) => ({
    name: `node ${node.name}`,
    title: node.name,
    state: node.state,
    glyph: GLYPHS[node.state],
    detail: detailOf(node, node.name === self.node),
    since: node.since,
    addresses: node.addresses,
  }));
  for (const { name, since, addresses: taken } of lost) {
    const detail = `lost; ${count(taken, 'address', 'addresses')} went to others`;
    wanted.push({
      name: `node ${name}`,
      title: name,
      state: 'lost',
      glyph: '✕',
      detail,
      since,
      addresses: [],
    });
  }
  wanted.sort((a, b) => (a.title < b.title ? -1 : 1));
  if (unheld.length > 0) {
    const detail = 'held by no node; see above';
    wanted.push({
      name: 'nobody',
      title: 'nobody',
      state: 'nobody',
      glyph: '!',
      detail,
      since: null,
      addresses: unheld,
    });
  }
  // What left the pool may still be with a node.
  const known = new Map(addresses.map((entry) => [/** @type {string} */ (entry.address), entry]));
  const shown = wanted.flatMap((card) =>
    card.addresses.map((address) => ({
      address,
      holder: known.get(address)?.holder ?? null,
      next: known.get(address)?.next ?? null,
    })),
  );
  const chipOf = chips(shown, ({ address }) => address);
  const cardOfName = cards(wanted, ({ name }) => name);
  const flying = positionsOf(wanted, cardOfName, chipOf);
  arrange(byId('nodes'), [...cardOfName.values()]);
  for (const { name, addresses: own } of wanted) {
    const list = cardOfName.get(name)?.querySelector('.chips');
    if (list)
      arrange(
        list,
        own.flatMap((address) => chipOf.get(address) ?? []),
      );
  }
  fly(flying);
}

/** @param {string} name */
function cardOf(name) {
  const id = `node-${name.replaceAll(/[^\w-]/g, '_')}`;
  const heading = element('h3', { id }, [
    element('span', { class: 'glyph', 'aria-hidden': 'true' }),
    element('span', { class: 'name' }),
  ]);
  const amount = element('p', { class: 'amount' }, [
    element('span', { class: 'count' }),
    element('span', { class: 'unit' }),
  ]);
  const line = element('p', { class: 'line' }, [
    element('span', { class: 'detail' }),
    element('time', { class: 'age' }),
  ]);
  return element('li', { class: 'card', 'aria-labelledby': id }, [
    heading,
    amount,
    line,
    element('ul', { class: 'chips', 'aria-labelledby': id }),
  ]);
}

/**
 * @param {NodeReport} node
 * @param {boolean} isSelf
 */
function detailOf({ state, reason, weight, role, refuses }, isSelf) {
  const refused = Object.keys(refuses).length;
  return [
    reason === null ? state : `${state}: ${reason}`,
    ...(role === null ? [] : [role]),
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(refused === 0 ? [] : [`cannot host ${count(refused, 'address', 'addresses')}`]),
    ...(isSelf ? ['this node'] : []),
  ].join(' · ');
}

/**
 * @param {Element} card
 * @param {string} selector
 */
function part(card, selector) {
  const found = card.querySelector(selector);
  if (found === null) throw new Error(`a card has no ${selector}`);
  return found;
}
