import { type Address, parseAddress, whyUnusable } from './address.ts';

/**
 * What one etcd key below `<service>/` means. `guard`, `session` and `wish` are yaim's own; the others are contract.
 * A mark is what people read and may touch by hand; its guard is written and deleted with it and tells every
 * other node, whatever happens to the mark, that the guard's lease may still have the address on an interface.
 */
export type Key =
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'session'; readonly name: string }
  | { readonly kind: 'drain'; readonly name: string }
  | { readonly kind: 'pool'; readonly address: Address }
  | { readonly kind: 'mark'; readonly address: Address }
  | { readonly kind: 'guard'; readonly address: Address }
  | { readonly kind: 'wish'; readonly address: Address }
  | { readonly kind: 'other' }
  | { readonly kind: 'invalid'; readonly problem: string };

/** Every key of one service, written and read in this file only. `service` has no trailing slash. */
export interface Keys {
  readonly prefix: string;
  readonly node: (name: string) => string;
  readonly session: (name: string) => string;
  readonly drain: (name: string) => string;
  readonly pool: (address: Address) => string;
  readonly mark: (address: Address) => string;
  readonly guard: (address: Address) => string;
  /** An operator's wish to have the address on another node, once. */
  readonly wish: (address: Address) => string;
  /** Below it are all guards. */
  readonly guards: string;
  /** Below it is what happened, in batches; nothing is decided by it. */
  readonly history: string;
  readonly parse: (key: string) => Key;
}

export function keysOf(service: string): Keys {
  const prefix = `${service.replace(/\/+$/, '')}/`;
  return {
    prefix,
    node: (name) => `${prefix}nodes/${name}`,
    session: (name) => `${prefix}sessions/${name}`,
    drain: (name) => `${prefix}drain/${name}`,
    pool: (address) => `${prefix}ips/${address}`,
    mark: (address) => `${prefix}ips/${address}/marked`,
    guard: (address) => `${prefix}guards/${address}`,
    wish: (address) => `${prefix}moves/${address}`,
    guards: `${prefix}guards/`,
    history: `${prefix}history/`,
    parse: (key) => parseKey(prefix, key),
  };
}

function parseKey(prefix: string, key: string): Key {
  if (!key.startsWith(prefix)) return { kind: 'other' };
  const path = key.slice(prefix.length);
  const slash = path.indexOf('/');
  const directory = slash < 0 ? path : path.slice(0, slash);
  const rest = slash < 0 ? '' : path.slice(slash + 1);
  switch (directory) {
    case 'nodes':
      return parseName('node', rest);
    case 'sessions':
      return parseName('session', rest);
    case 'drain':
      // An operator's key, like the pool's: a directory-minded user may write a slash behind it.
      return parseName('drain', rest.replace(/\/$/, ''));
    case 'guards':
      return parseByAddress('guard', directory, rest);
    case 'moves':
      return parseByAddress('wish', directory, rest);
    case 'ips':
      return parseInPool(rest);
    default:
      return { kind: 'other' };
  }
}

function parseName(kind: 'node' | 'session' | 'drain', name: string): Key {
  if (name === '') return { kind: 'other' };
  return name.includes('/') ? { kind: 'invalid', problem: 'a node name has no slash' } : { kind, name };
}

/** One key an address, so only in the canonical spelling. */
function parseByAddress(kind: 'guard' | 'wish', directory: string, rest: string): Key {
  const address = parseAddress(rest);
  if (address === undefined) return { kind: 'other' };
  return rest === address
    ? { kind, address }
    : { kind: 'invalid', problem: `${directory} are written as ${directory}/${address}` };
}

/** `10.0.0.7`, `10.0.0.7/` (as a directory-minded user writes it) and `10.0.0.7/marked`. */
function parseInPool(rest: string): Key {
  if (rest === '') return { kind: 'other' };
  const [text = '', leaf, ...more] = rest.split('/');
  if (more.length > 0 || (leaf !== undefined && leaf !== '' && leaf !== 'marked')) {
    return { kind: 'invalid', problem: 'only <address> and <address>/marked are read below ips/' };
  }
  const address = parseAddress(text);
  if (address === undefined) return { kind: 'invalid', problem: `"${text}" is no IPv4 or IPv6 address` };
  // A mark in another spelling than the canonical one would not exclude the canonical one: it counts for nothing.
  if (leaf === 'marked') {
    return text === address
      ? { kind: 'mark', address }
      : { kind: 'invalid', problem: `marks are written as ips/${address}/marked` };
  }
  const unusable = whyUnusable(address);
  if (unusable !== undefined) return { kind: 'invalid', problem: `${address} ${unusable}` };
  return { kind: 'pool', address };
}
