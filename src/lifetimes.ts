import { inBatches } from './batches.ts';
import type { KernelAction } from './domain/action.ts';
import type { Address } from './domain/address.ts';
import { kernelKey, parseKernelKey } from './domain/kernel.ts';
import type { Session } from './domain/session.ts';
import { type AddressDependencies, isAbsent, performKernel } from './effects/address.ts';

/** So many of whatever kind are done at once. */
const MOST_AT_ONCE = 100;

/**
 * Sets the lifetimes of the addresses that this host has, at a moment at which nothing is decided: before the first
 * decision and after the last one. Answers with those that may be there with another lifetime than was meant.
 */
export function lifetimesOf(deps: AddressDependencies, label: () => Promise<string>) {
  const perform = performKernel(deps);
  return async (addresses: ReadonlySet<Address>, session: Session): Promise<ReadonlySet<Address>> => {
    const uncertain = new Map<string, KernelAction>(
      [...deps.local.recorded()].flatMap((key) => {
        const place = parseKernelKey(key);
        if (place === undefined || !addresses.has(place.address)) return [];
        return [
          [key, { kind: 'renew', ...place, seconds: 0, reason: 'its lease changes' } as const] as const,
        ];
      }),
    );
    for (const batch of inBatches([...uncertain.values()], MOST_AT_ONCE)) {
      const outcomes = await perform(batch, { session, settings: { label: await label() } });
      for (const { action, error } of outcomes)
        if (error === undefined || isAbsent(error)) uncertain.delete(kernelKey(action));
    }
    return new Set([...uncertain.values()].map(({ address }) => address));
  };
}
