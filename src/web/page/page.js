/**
 * The page: listens to /events and shows each status. No framework, no state but the last one.
 * @import { StatusDocument } from '../document.ts'
 */
import { filterAddresses, showAddresses } from './addresses.js';
import { arrange, byId, element, keyed, setText } from './element.js';
import { showNodes } from './nodes.js';
import { showTakeovers } from './takeovers.js';
import { ago, clock, figuresOf, newsBetween, verdictOf } from './words.js';

const MARKS = { critical: 'critical', warning: 'warning', notice: 'notice' };
/** How often "3 min" is looked at. */
const AGES_MS = 5000;
/** After a refusal, as when too many look already, browsers do not try again by themselves. */
const RETRY_MS = 5000;

/** @type {StatusDocument | undefined} */
let last;
let heardAt = Date.now();

const troubles = keyed(
  (/** @type {StatusDocument['attention'][number]} */ { severity }) =>
    element('li', { 'data-severity': severity }, [
      element('span', { class: 'unseen', text: `${MARKS[severity]}: ` }),
      element('strong'),
      document.createTextNode(' '),
      element('span', { class: 'text' }),
    ]),
  (item, { subject, text }) => {
    const [strong, words] = item.querySelectorAll('strong, .text');
    if (strong) setText(strong, subject);
    if (words) setText(words, text);
  },
);

/** @param {StatusDocument} status */
function show(status) {
  const { severity, text } = verdictOf(status);
  byId('verdict').dataset['severity'] = severity;
  setText(byId('verdict-heading'), text);
  setText(byId('figures'), figuresOf(status));
  const listed = troubles(status.attention, ({ kind, subject }) => `${kind} ${subject}`);
  arrange(byId('attention'), [...listed.values()]);
  setText(byId('service'), status.service);
  const { node, version, ready, reason } = status.self;
  setText(
    byId('self'),
    `Seen by ${node}, which is ${ready ? 'ready' : `not ready: ${reason}`}. yaim ${version}.`,
  );
  document.title = `${severity === 'calm' ? '' : `${text} – `}${status.service} – yaim`;
  showNodes(status);
  showAddresses(status);
  showTakeovers(status);
  showAges();
  if (last !== undefined) tell(newsBetween(last, status));
  last = status;
}

/** @param {readonly string[]} news */
function tell(news) {
  if (news.length === 0) return;
  const lines = news.map((text) => element('p', { text }));
  byId('news').replaceChildren(...lines);
}

function showAges() {
  const now = Date.now();
  for (const time of document.querySelectorAll('time.age')) {
    const since = time.getAttribute('data-since');
    setText(time, ago(since, now));
    if (since === null) continue;
    time.setAttribute('datetime', since);
    time.setAttribute('title', `since ${clock(since, now)}`);
  }
}

/**
 * @param {'connecting' | 'live' | 'lost'} state
 * @param {string} text
 */
function setLink(state, text) {
  byId('link').dataset['state'] = state;
  document.body.classList.toggle('stale', state === 'lost');
  setText(byId('link'), text);
}

function listen() {
  const events = new EventSource('events');
  events.onmessage = ({ data }) => {
    heardAt = Date.now();
    setLink('live', 'live');
    show(JSON.parse(data));
  };
  events.onerror = () => {
    const since =
      last === undefined
        ? 'no answer yet'
        : `this is how it was at ${clock(new Date(heardAt).toISOString(), Date.now())}`;
    setLink('lost', `connection lost; ${since}`);
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
  };
}

byId('filter').addEventListener('input', filterAddresses);
setInterval(showAges, AGES_MS);
listen();
