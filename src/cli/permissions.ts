import { readFileSync } from 'node:fs';
import type { Address } from '../domain/address.ts';
import { addressSetter } from '../kernel/address-setter.ts';
import { CommandError, EXIT } from './exit.ts';

/** Bits of linux/capability.h, and what yaim cannot do without them. */
const NEEDED = [
  { name: 'CAP_NET_ADMIN', bit: 12n, purpose: 'to put addresses on an interface' },
  { name: 'CAP_NET_RAW', bit: 13n, purpose: 'to announce them (ARP, neighbour advertisements)' },
] as const;

const HINT =
  'run as root; with systemd AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW; ' +
  'with Docker --cap-add NET_ADMIN --cap-add NET_RAW';

/**
 * That this process may change and announce addresses.
 * @throws CommandError with status 77 naming what is missing
 */
export function requirePermissions(): void {
  const missing = missingIn(readFileSync('/proc/self/status', 'utf8'));
  if (missing.length > 0) {
    const needs = missing.map(({ name, purpose }) => `${name} ${purpose}`).join(' and ');
    throw new CommandError(EXIT.permission, `no permission: yaim needs ${needs}; ${HINT}`);
  }
  tryKernel();
}

function missingIn(status: string) {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return NEEDED.filter(({ bit }) => (effective & (1n << bit)) === 0n);
}

/**
 * Capabilities can be those of another user namespace than the network's: the kernel is asked to remove what no host can
 * have, which it refuses for one reason or the other.
 */
function tryKernel(): void {
  const place = { address: '0.0.0.0' as Address, prefixLength: 32, interface: 'lo' };
  const [error] = addressSetter().removeNow([place]);
  if (error?.code !== 'EPERM' && error?.code !== 'EACCES') return;
  throw new CommandError(
    EXIT.permission,
    `no permission: the kernel lets this process change no addresses, although it has CAP_NET_ADMIN: ${HINT}`,
  );
}
