import type { Place } from './problem.ts';
import type { Key } from './schema.ts';

/** What was written for one key, as text: what it means is the schema's business. */
export interface Given {
  /** A text, a list of them, or an object for anything that no key can be. */
  readonly value: unknown;
  readonly place: Place;
  /** The places of a list's items. */
  readonly items?: readonly Place[];
}

export type GivenKeys = ReadonlyMap<Key, Given>;

/** The key of which an empty value says something: no status page. Elsewhere nothing written is nothing given. */
export const EMPTY_MEANS_NONE: Key = 'http_listen';
