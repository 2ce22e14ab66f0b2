import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { EMPTY_MEANS_NONE, type Given, type GivenKeys } from './given.ts';
import type { Place, Problem } from './problem.ts';
import { isKey, KEYS, type Key } from './schema.ts';
import { suggest } from './suggest.ts';
import { describeSyntaxError, keyAround } from './syntax.ts';

/** A configuration file taken apart, not yet validated. */
export interface DocumentKeys {
  readonly given: GivenKeys;
  readonly problems: readonly Problem[];
  /** Where the file's keys begin: the place of what is missing. */
  readonly place: Place;
  /** Whether the file could be read as keys at all; if not, nothing can be said about missing ones. */
  readonly isReadable: boolean;
  readonly isEmpty: boolean;
}

type PlaceOf = (offset: number) => Extract<Place, { readonly file: string }>;

/**
 * The keys of a YAML text. Scalars keep their spelling (a password 0123 stays 0123), tags are refused, and only the
 * aliases that a key itself names are followed, so that nothing is executed and nothing grows.
 */
export function readDocument(file: string, content: string): DocumentKeys {
  const lineCounter = new LineCounter();
  const document = parseDocument(content, {
    lineCounter,
    prettyErrors: false,
    version: '1.2',
    schema: 'core',
  });
  const placeOf: PlaceOf = (offset) => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const { contents } = document;
  const place = placeOf(contents?.range[0] ?? 0);
  const unread = { given: new Map<Key, Given>(), place, isReadable: false, isEmpty: false };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) return { ...unread, problems: describeFaults(faults, content, placeOf) };
  if (contents === null || isNothing(contents)) {
    return { ...unread, place: placeOf(0), problems: [], isReadable: true, isEmpty: true };
  }
  if (!isMap(contents)) return { ...unread, problems: [{ place, message: 'must be lines of "key: value"' }] };
  const resolve = (node: ParsedNode): ParsedNode | undefined =>
    isAlias(node) ? (node.resolve(document) as ParsedNode | undefined) : node;
  return { ...unread, place, isReadable: true, ...readKeys(contents, placeOf, resolve) };
}

/** One problem a line: what follows on the same line mostly follows from the first. */
function describeFaults(faults: readonly YAMLError[], content: string, placeOf: PlaceOf): readonly Problem[] {
  const problems = faults.map((fault) => {
    const key = keyAround(content, fault.pos[0]);
    const place = placeOf(fault.pos[0]);
    return { place, message: describeSyntaxError(fault), ...(key === undefined ? {} : { key }) };
  });
  const lines = problems.map(({ place }) => place.line);
  return problems.filter(({ place }, index) => lines.indexOf(place.line) === index);
}

function readKeys(
  contents: YAMLMap.Parsed,
  placeOf: PlaceOf,
  resolve: (node: ParsedNode) => ParsedNode | undefined,
): Pick<DocumentKeys, 'given' | 'problems'> {
  const given = new Map<Key, Given>();
  const problems: Problem[] = [];
  for (const { key, value } of contents.items) {
    const keyPlace = placeOf(key.range[0]);
    const name = isScalar(key) ? textOf(key) : '';
    if (!isKey(name)) {
      problems.push({ place: keyPlace, ...describeUnknownKey(name) });
      continue;
    }
    const node = value === null ? undefined : resolve(value);
    if (isAlias(value) && node === undefined) {
      problems.push({
        place: placeOf(value.range[0]),
        key: name,
        message: describeReserved('*', 'an alias'),
      });
      continue;
    }
    if (value !== null && node !== undefined && !isNothing(node)) {
      given.set(name, readValue(value, node, placeOf, resolve));
    } else if (isScalar(value) && value.anchor !== undefined) {
      problems.push({ place: keyPlace, key: name, message: describeReserved('&', 'an anchor') });
    } else if (name === EMPTY_MEANS_NONE) {
      given.set(name, { value: '', place: keyPlace });
    }
  }
  return { given, problems };
}

function readValue(
  written: ParsedNode,
  node: ParsedNode,
  placeOf: PlaceOf,
  resolve: (node: ParsedNode) => ParsedNode | undefined,
): Given {
  const place = placeOf(written.range[0]);
  if (isScalar(node)) return { value: textOf(node), place };
  if (!isSeq(node)) return { value: {}, place };
  const items = node.items as ParsedNode[];
  const value = items.map((item) => {
    const resolved = resolve(item);
    return resolved !== undefined && isScalar(resolved) ? textOf(resolved) : {};
  });
  return { value, place, items: items.map((item) => placeOf(item.range[0])) };
}

/** An unknown key is shown up to its first ":" or space: `pgbouncer_password:hunter2` lacks the space, not the secret. */
function describeUnknownKey(name: string): { readonly key?: string; readonly message: string } {
  const [word = ''] = /^[^\s:\p{Cc}]{0,60}/u.exec(name) ?? [];
  if (word === '') return { message: `every key must be one of ${KEYS.join(', ')}` };
  if (word !== name && isKey(word)) return { key: word, message: 'needs a space after the ":"' };
  return { key: word, message: `unknown key; did you mean ${suggest(word, KEYS)}?` };
}

function describeReserved(character: string, meaning: string): string {
  return `begins with "${character}", which is ${meaning} in YAML: write the value in quotes`;
}

function isNothing(node: ParsedNode): boolean {
  return isScalar(node) && node.value === null;
}

function textOf(scalar: Scalar): string {
  return scalar.source ?? String(scalar.value);
}
