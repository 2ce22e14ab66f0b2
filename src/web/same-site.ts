import { isIP } from 'node:net';

/**
 * Whether a browser may have been tricked into asking: a site whose name suddenly resolves to 127.0.0.1 (DNS rebinding)
 * would be let read the answer as its own. On the loopback an address or localhost is asked for, never another name.
 */
export function isRebound(localAddress: string | undefined, host: string | undefined): boolean {
  if (!isLoopback(localAddress ?? '') || host === undefined) return false;
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) === 0 && name !== 'localhost' && !name.endsWith('.localhost');
}

function isLoopback(address: string): boolean {
  return /^(::1$|127\.|::ffff:127\.)/.test(address);
}
