import type { Address } from './address.ts';
import { derived } from './derived.ts';
import { hostPart, type KernelPlace, linkPart, parseKernelKey } from './kernel.ts';
import { type Standing, standingOf } from './standing.ts';
import { isOwn, type View } from './view.ts';

/** Every address of yaim's on this host's interfaces, by kernel key. */
export function ownByKey(view: View): ReadonlyMap<string, KernelPlace> {
  return ownIn(standingOf(view));
}

export const ownIn = derived((view: Standing): ReadonlyMap<string, KernelPlace> => {
  const { kernel, settings, local } = view;
  const homeless = homelessAddresses(view);
  const own = new Map<string, KernelPlace>();
  for (const [key, address] of kernel.addresses) {
    const isHomeless = homeless.size > 0 && address.expiresAt < Infinity && homeless.has(hostPart(key));
    if (isHomeless || isOwn(address, settings, local, key)) own.set(key, address);
  }
  return own;
});

/** Ours, put on an interface that is not there any more: if it was renamed, they are on it under its new name. */
function homelessAddresses({ kernel, local }: Standing): ReadonlySet<string> {
  const homeless = new Set<string>();
  for (const key of local.recorded)
    if (!kernel.addresses.has(key) && !kernel.links.has(linkPart(key))) homeless.add(hostPart(key));
  return homeless;
}

/**
 * What the kernel was told to add and does not show: it may be about to, or it shows it no more. The kernel's
 * events lag behind, so that only its answer to a removal says that an address is off.
 */
export const unseenIn = derived(({ kernel, local }: Standing): readonly KernelPlace[] =>
  [...local.recorded].flatMap((key) =>
    // With an interface its addresses go, or stay under its new name: see homelessAddresses.
    kernel.addresses.has(key) || !kernel.links.has(linkPart(key)) ? [] : (parseKernelKey(key) ?? []),
  ),
);

/** What is on an interface of this host, or may be, because of this agent. */
export const everywhereIn = derived(
  (view: Standing): ReadonlySet<Address> =>
    new Set([...ownIn(view).values(), ...unseenIn(view)].map(({ address }) => address)),
);
