import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isHost } from './host.ts';
import type { Reading } from './rules.ts';

const ETCD_PORT = '2379';

/** One member of the etcd cluster as `scheme://host:port`: lower case, port always there, no slash at the end. */
export function readEndpoint(given: string): Reading<string> {
  const match = /^(https?):\/\/(.*)$/i.exec(given.trim());
  const [, scheme = '', authority = ''] = match ?? [];
  if (match === null) return { refused: 'must begin with http:// or https://' };
  if (authority.includes('@')) {
    return { refused: 'must hold no user: etcd_user and etcd_password are the place for them' };
  }
  const [, host, port = ETCD_PORT] = /^(\[[^\]]*\]|[^:/?#]*)(?::(\d{1,5}))?\/?$/.exec(authority) ?? [];
  const name = host === undefined ? undefined : readHost(host);
  if (name === undefined || Number(port) < 1 || Number(port) > 65535) {
    const hint =
      isIPv6(authority) || /^[0-9a-f]*:[0-9a-f:]+$/i.test(authority) ? ', an IPv6 address in brackets' : '';
    return { refused: `must be http:// or https://, host[:port] and no path${hint}` };
  }
  return { value: `${scheme.toLowerCase()}://${name}:${Number(port)}` };
}

/** The endpoints of one cluster, each once. Credentials must not go to a member in clear because it alone has no TLS. */
export function readEndpoints(endpoints: readonly string[]): Reading<readonly string[]> {
  const schemes = new Set(endpoints.map((endpoint) => endpoint.slice(0, endpoint.indexOf(':'))));
  if (schemes.size > 1) return { refused: 'must be all http:// or all https://' };
  return { value: [...new Set(endpoints)] };
}

function readHost(host: string): string | undefined {
  const inBrackets = /^\[(.*)\]$/.exec(host)?.[1];
  if (inBrackets === undefined) return isHost(host) ? host.toLowerCase() : undefined;
  if (!isIPv6(inBrackets) || inBrackets.includes('%')) return undefined;
  return `[${ipaddr.IPv6.parse(inBrackets).toRFC5952String()}]`;
}
