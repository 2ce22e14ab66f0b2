/**
 * What the page says, without the page.
 * @import { StatusDocument } from '../document.ts'
 */

/** @type {readonly (readonly [number, string])[]} */
const UNITS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/**
 * How long ago: `3 min`.
 * @param {string | null} iso
 * @param {number} now ms since 1970
 */
export function ago(iso, now) {
  const at = iso === null ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(at)) return '';
  // Another node's clock may be a little ahead.
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  const [size, unit] = UNITS.find(([unitSize]) => seconds >= unitSize) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/**
 * The time of day, UTC as in the logs, with the date where that is another than today's.
 * @param {string} iso
 * @param {number} now ms since 1970
 */
export function clock(iso, now) {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  const [date = '', time = ''] = new Date(at).toISOString().split('T');
  const [today] = new Date(now).toISOString().split('T');
  return date === today ? time.slice(0, 8) : `${date} ${time.slice(0, 8)}`;
}

/**
 * As exact as a person can use it: `3.2 ms`, `48 ms`, `5.0 s`.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/**
 * @param {number} number
 * @param {string} one
 * @param {string} [many]
 */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** @param {number} number */
export const addresses = (number) => count(number, 'address', 'addresses');

/**
 * The one sentence that somebody who was woken reads first, and how bad it is.
 * @param {StatusDocument} status
 * @returns {{ readonly severity: 'calm' | 'notice' | 'warning' | 'critical', readonly text: string }}
 */
export function verdictOf(status) {
  const of = (/** @type {string} */ kind) => status.attention.filter((entry) => entry.kind === kind);
  const [etcd, conflicts, unheld, nodes] = [of('etcd'), of('conflict'), of('unheld'), of('node')];
  const names = new Set(nodes.map(({ subject }) => subject));
  const parts = [
    ...(unheld.length > 0 ? [`nobody holds ${addresses(unheld.length)}`] : []),
    ...(conflicts.length > 0 ? [`${addresses(conflicts.length)} in conflict`] : []),
    ...(etcd.length > 0 ? ['etcd is out of reach of this node'] : []),
    ...(names.size === 1 ? [nodeText(status, [...names][0] ?? '')] : []),
    ...(names.size > 1 ? [`${names.size} nodes need attention`] : []),
  ];
  if (parts.length > 0) {
    const isCritical = status.attention.some(({ severity }) => severity === 'critical');
    const relief = isCritical ? '' : '; every address is held';
    const text = `${parts.join('; ')}${relief}`;
    const isName = parts.length === 1 && names.size === 1;
    return { severity: isCritical ? 'critical' : 'warning', text: isName ? text : capitalised(text) };
  }
  if (status.nodes.length === 0) return { severity: 'notice', text: 'No node is here yet' };
  if (status.addresses.length === 0) return { severity: 'notice', text: 'The pool has no address yet' };
  const remarks = status.attention.length;
  if (remarks > 0) return { severity: 'notice', text: `Every address is held; ${count(remarks, 'remark')}` };
  return { severity: 'calm', text: 'All is well' };
}

/**
 * @param {StatusDocument} status
 * @param {string} name
 */
function nodeText({ nodes, lost }, name) {
  if (lost.some((node) => node.name === name)) return `${name} is lost`;
  const state = nodes.find((node) => node.name === name)?.state;
  return state === undefined || state === 'healthy' ? `${name} has no proven session` : `${name} is ${state}`;
}

/** @param {string} text */
function capitalised(text) {
  return text.startsWith('etcd ') ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * The figures below the verdict.
 * @param {StatusDocument} status
 */
export function figuresOf({ nodes, lost, addresses: pool, spread }) {
  const healthy = nodes.filter(({ state }) => state === 'healthy').length;
  const held = pool.filter(({ holder }) => holder !== null).length;
  return `${held} of ${addresses(pool.length)} held · ${healthy} of ${count(nodes.length + lost.length, 'node')} healthy · spread ${spread}`;
}

const MOST_NEWS = 3;

/**
 * What a screen reader tells of a change.
 * @param {StatusDocument} before
 * @param {StatusDocument} after
 * @returns {readonly string[]}
 */
export function newsBetween(before, after) {
  const holders = new Map(before.addresses.map(({ address, holder }) => [address, holder]));
  const moved = after.addresses.filter(
    ({ address, holder }) => holders.has(address) && holders.get(address) !== holder,
  );
  const states = new Map(before.nodes.map(({ name, state }) => [name, state]));
  const changed = after.nodes.filter(({ name, state }) => states.get(name) !== state);
  return [
    ...changed.map(({ name, state, reason }) => `${name} is ${state}${reason === null ? '' : `: ${reason}`}`),
    ...(moved.length > MOST_NEWS
      ? [`${moved.length} addresses moved`]
      : moved.map(({ address, holder }) =>
          holder === null ? `nobody holds ${address}` : `${address} is on ${holder}`,
        )),
  ];
}

/**
 * Options of a pool address: `prefer db2, netmask 24`.
 * @param {object} options
 */
export function optionsText(options) {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
