/**
 * @import { StatusDocument } from '../document.ts'
 * @import { AddressReport } from '../../domain/report.ts'
 */
import { arrange, byId, element, keyed, setText } from './element.js';
import { optionsText } from './words.js';

const rows = keyed(
  (/** @type {AddressReport} */ { address }) => {
    const cells = ['holder', 'age', 'options', 'note'].map((name) =>
      element('td', { 'data-column': name }, name === 'age' ? [element('time', { class: 'age' })] : []),
    );
    return element('tr', { 'data-address': address }, [
      element('th', { scope: 'row', text: address }),
      ...cells,
    ]);
  },
  (row, { holder, since, options, ...entry }) => {
    const [, holderCell, ageCell, optionsCell, noteCell] = row.children;
    if (!holderCell || !ageCell?.firstElementChild || !optionsCell || !noteCell) return;
    row.classList.toggle('unheld', holder === null);
    setText(holderCell, holder ?? 'nobody');
    if (since === null) ageCell.firstElementChild.removeAttribute('data-since');
    else ageCell.firstElementChild.setAttribute('data-since', since);
    setText(optionsCell, optionsText(options));
    setText(noteCell, noteOn(entry));
  },
);

/**
 * A row an address; columns that are empty throughout are left out.
 * @param {StatusDocument} status
 */
export function showAddresses({ addresses }) {
  const table = byId('addresses');
  const body = table.querySelector('tbody');
  if (body) arrange(body, [...rows(addresses, ({ address }) => address).values()]);
  table.classList.toggle(
    'no-options',
    addresses.every(({ options }) => Object.keys(options).length === 0),
  );
  table.classList.toggle(
    'no-notes',
    addresses.every((entry) => noteOn(entry) === ''),
  );
  filterAddresses();
}

/** Shows the rows that contain what was typed. */
export function filterAddresses() {
  const input = byId('filter');
  const wanted = input instanceof HTMLInputElement ? input.value.trim().toLowerCase() : '';
  let shown = 0;
  for (const row of byId('addresses').querySelectorAll('tbody tr')) {
    const isHidden = !(row.textContent ?? '').toLowerCase().includes(wanted);
    if (row instanceof HTMLElement && row.hidden !== isHidden) row.hidden = isHidden;
    if (!isHidden) shown += 1;
  }
  const none = byId('addresses-none');
  setText(none, wanted === '' ? 'The pool is empty: yaim ip add ADDRESS' : 'None contains that.');
  none.hidden = shown > 0;
}

/** @param {Pick<AddressReport, 'note' | 'next' | 'blocked'>} entry */
function noteOn({ note, next, blocked }) {
  return [blocked === undefined ? null : blocked, note, next].filter((text) => text !== null).join('; ');
}
