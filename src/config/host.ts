import { isIP, isIPv6 } from 'node:net';
import { isAbsolute } from 'node:path';
import type { Reading } from './rules.ts';

/** Where the status page listens; without a host on every interface. */
export interface Listen {
  readonly host?: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

/** The database server of this host: a host name, an address, or the directory of a Unix socket. */
export function readDatabaseAddress(given: string): Reading<string> {
  const bracketed = /^\[(.+)\]$/.exec(given)?.[1];
  if (bracketed !== undefined && isIPv6(bracketed)) return { value: bracketed };
  if (isAbsolute(given) && !/\p{Cc}/u.test(given)) return { value: given };
  if (isHost(given)) return { value: given };
  const hint = /^[^:]+:\d+$/.test(given) ? ' (the port belongs into pgbouncer_port)' : '';
  return { refused: `must be a host name, an IP address or the absolute path of a socket directory${hint}` };
}

/** `127.0.0.1:8010`, `[::1]:8010`, `:8010` for every interface; empty for none. */
export function readListen(given: string): Reading<Listen | undefined> {
  if (given === '') return { value: undefined };
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(given);
  const [, inBrackets, plain, digits] = match ?? [];
  const port = Number(digits);
  const isHostValid = inBrackets === undefined ? plain === '' || isHost(plain ?? '') : isIPv6(inBrackets);
  if (match === null || !isHostValid || port > 65535) {
    return {
      refused: 'must be host:port, [IPv6 address]:port or :port, with a port up to 65535, or "" for none',
    };
  }
  const host = inBrackets ?? plain;
  return { value: host === undefined || host === '' ? { port } : { host, port } };
}

/** A host name (RFC 1123, underscores let through) or an IP address without brackets. */
export function isHost(given: string): boolean {
  return isIP(given) !== 0 || isHostName(given);
}

/** A name whose last part is a number (`10.0.0.300`) is a mistyped address, never a name. */
function isHostName(given: string): boolean {
  const parts = (given.endsWith('.') ? given.slice(0, -1) : given).split('.');
  const isWellFormed = parts.every((part) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(part));
  return given.length <= 253 && isWellFormed && !/^\d+$/.test(parts.at(-1) ?? '');
}
