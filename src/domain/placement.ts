import type { Placement } from './action.ts';
import { type Address, familyOf, hostPrefixLength } from './address.ts';
import { orderKey, subnetTest } from './address-order.ts';
import { derived } from './derived.ts';
import type { Kernel, Route } from './kernel.ts';
import type { PoolOptions } from './pool.ts';
import type { Settings } from './view.ts';

/** Kernel limit of an IPv4 label (IFNAMSIZ less the terminating zero). */
const LABEL_CHARACTERS = 15;

const NAMED_LINKS = 3;

/** Where an address goes on this host, or why it cannot go anywhere now. */
export function placementOf(
  address: Address,
  options: PoolOptions,
  settings: Settings,
  kernel: Kernel,
): Placement | { readonly problem: string } {
  const name = options.interface ?? settings.interface ?? interfaceByRoute(address, kernel.routes);
  if (name === undefined) return { problem: `no route leads there: set "interface"${orUp(kernel)}` };
  const link = kernel.links.get(name);
  if (link === undefined) return { problem: `there is no interface ${name}` };
  if (!link.up) return { problem: `interface ${name} is down` };
  if (familyOf(address) === 4 && `${name}:${settings.label}`.length > LABEL_CHARACTERS) {
    return { problem: `the label ${name}:${settings.label} has more than ${LABEL_CHARACTERS} characters` };
  }
  return { interface: name, prefixLength: prefixLengthOf(address, options, settings) };
}

/** The routes of a link go with it when it goes down: what is missing may not be missing in the configuration. */
function orUp({ links }: Kernel): string {
  const down = [...links.values()].filter(({ name, up }) => !up && name !== 'lo').map(({ name }) => name);
  if (down.length === 0) return '';
  const named = down.sort().slice(0, NAMED_LINKS).join(', ');
  const more = down.length > NAMED_LINKS ? ` and ${down.length - NAMED_LINKS} more` : '';
  return `, or see to what is down and has no routes (${named}${more})`;
}

function prefixLengthOf(address: Address, options: PoolOptions, settings: Settings): number {
  const wanted = options.netmask ?? settings.netmask;
  const longest = hostPrefixLength(address);
  // The node's netmask is made for IPv4 as long as it is at most 32: no IPv6 network is that large.
  if (wanted === null || (options.netmask === undefined && longest === 128 && wanted <= 32)) return longest;
  return Math.min(wanted, longest);
}

/** The interface whose route leads to the address, as the kernel chooses: longest prefix, then lowest metric. */
function interfaceByRoute(address: Address, routes: readonly Route[]): string | undefined {
  const family = familyOf(address);
  const key = orderKey(address);
  return networksOf(routes).find((network) => network.family === family && network.holds(key))?.interface;
}

interface Network extends Pick<Route, 'family' | 'interface'> {
  readonly holds: (orderKey: string) => boolean;
}

/** Of several that hold an address the first one counts. */
const networksOf = derived((routes: readonly Route[]): readonly Network[] =>
  routes
    .map((route) => ({ ...route, length: lengthOf(route) }))
    .filter(({ family, length }) => length >= 0 && length < (family === 4 ? 32 : 128))
    .sort((a, b) => b.length - a.length || a.metric - b.metric) // stable
    .map(({ family, subnet, interface: name, length }) => ({
      family,
      interface: name,
      holds: length === 0 ? () => true : subnetTest(subnet),
    })),
);

/** A host route is an address of this host or a special case; it is nobody's network, as is one that cannot be read. */
function lengthOf({ subnet }: Route): number {
  return subnet === 'default' ? 0 : Number(subnet.split('/')[1] ?? -1);
}
