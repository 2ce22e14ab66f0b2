import { type Address, parseAddress, whyUnusable } from '../domain/address.ts';
import { CommandError, EXIT } from './exit.ts';

/**
 * An address as a user types it, in whatever spelling.
 * @throws CommandError with status 64
 */
export function readAddress(text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  const [before = '', after] = text.split('/');
  const hint =
    after !== undefined && parseAddress(before) !== undefined
      ? `: write ${before} alone${after === '' ? '' : `, and its prefix length as --netmask ${after}`}`
      : '';
  throw new CommandError(EXIT.usage, `${JSON.stringify(text)} is no IPv4 or IPv6 address${hint}`);
}

/**
 * An address that servers can share.
 * @throws CommandError with status 64
 */
export function readPoolAddress(text: string): Address {
  const address = readAddress(text);
  const reason = whyUnusable(address);
  if (reason !== undefined) throw new CommandError(EXIT.usage, `${address} ${reason}`);
  return address;
}
