import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
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
 * @throws CommandError with status 77 naming what is missing, or 69 where there is no `ip` command
 */
export async function requirePermissions(): Promise<void> {
  const missing = missingIn(readFileSync('/proc/self/status', 'utf8'));
  if (missing.length > 0) {
    const needs = missing.map(({ name, purpose }) => `${name} ${purpose}`).join(' and ');
    throw new CommandError(EXIT.permission, `no permission: yaim needs ${needs}; ${HINT}`);
  }
  await tryIp();
}

function missingIn(status: string) {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return NEEDED.filter(({ bit }) => (effective & (1n << bit)) === 0n);
}

/**
 * Capabilities can be those of another user namespace than the network's, or fail to reach the `ip` command: it is
 * asked to remove what no host can have, which the kernel refuses for one reason or the other.
 */
async function tryIp(): Promise<void> {
  try {
    await promisify(execFile)('ip', ['address', 'delete', '0.0.0.0/32', 'dev', 'lo'], { timeout: 5000 });
  } catch (error) {
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string };
    if (code === 'ENOENT') {
      throw new CommandError(EXIT.unreachable, 'there is no command ip in PATH: install iproute2');
    }
    if (!/not permitted|permission denied/i.test(stderr)) return;
    throw new CommandError(
      EXIT.permission,
      `no permission: the kernel lets the ip command of this process change no addresses, although the process has CAP_NET_ADMIN: ${HINT}`,
    );
  }
}
