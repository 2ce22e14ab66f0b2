import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFault, anObservation, held } from './an-observation.ts';
import { pictureOf } from './picture.ts';

const inflicted = [
  aFault(1, 'agent killed', ['db1'], 5, 11),
  aFault(2, 'leader’s disk stalled', [], 6, 9),
  { ...aFault(3, 'mark deleted', ['fd77::101'], 7), inVain: 'no "quorum" <at all>' },
];
const holdings = [...held('10.77.0.101: db1 0-10, db2 12-'), ...held('fd77::101: db3 0-30')];

function count(svg: string, pattern: RegExp): number {
  return [...svg.matchAll(pattern)].length;
}

test('the picture has a row for each address and a mark for each fault, also those in vain', () => {
  const svg = pictureOf(anObservation({ holdings, inflicted }));
  assert.equal(count(svg, /<g class="address">/g), 2);
  assert.equal(count(svg, /<g class="fault">/g), 3);
  for (const text of ['10.77.0.101', 'fd77::101', '1 agent killed db1', '3 mark deleted fd77::101'])
    assert.ok(svg.includes(`>${text}<`), text);
  assert.equal(count(svg, /class="overlap"/g), 0);
});

test('each holder has its colour, for as long as it held the address', () => {
  const svg = pictureOf(anObservation({ holdings }));
  const colour = (host: string) => new RegExp(`fill="(#\\w+)"/><text [^>]*>${host}<`).exec(svg)?.[1];
  const bar = (title: string) =>
    new RegExp(`width="([\\d.]+)" [^>]*fill="(#\\w+)"><title>${title}`).exec(svg);
  assert.deepEqual(bar('10.77.0.101 on db1')?.slice(1), ['90', colour('db1')]);
  assert.deepEqual(bar('10.77.0.101 on db2')?.slice(1), ['432', colour('db2')]);
  assert.equal(new Set(['db1', 'db2', 'db3'].map(colour)).size, 3);
});

test('two holders at once stand out', () => {
  const svg = pictureOf(anObservation({ holdings: held('10.77.0.101: db1 0-10, db2 9.999-') }));
  assert.equal(count(svg, /class="overlap"/g), 1);
});

test('marks that would lie on one another have lanes of their own', () => {
  const svg = pictureOf(anObservation({ inflicted }));
  const tops = [...svg.matchAll(/<g class="fault">.*?<rect x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => y);
  assert.equal(new Set(tops).size, 3);
});

test('the picture is well-formed, whatever a text contains', () => {
  const svg = pictureOf(anObservation({ holdings, inflicted }));
  assert.ok(svg.includes('no &quot;quorum&quot; &lt;at all&gt;'));
  const open: string[] = [];
  for (const [, close, name = '', self] of svg.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)) {
    if (close === '/') assert.equal(open.pop(), name);
    else if (self !== '/') open.push(name);
  }
  assert.deepEqual(open, []);
});
