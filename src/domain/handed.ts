import type { Address } from './address.ts';
import type { Cluster } from './cluster.ts';
import { addressesByLease } from './marks.ts';

/** What another node had at `before`, and gave to this one since; with a sentence about why. */
export function handedTo(
  nodename: string,
  before: Cluster | null,
  { guards, sessions, drained }: Cluster,
): readonly { readonly address: Address; readonly from: string; readonly reason: string }[] {
  if (before === null || before.guards === guards) return [];
  const whyGivenUp = (name: string): string => {
    const health = sessions.get(name)?.health ?? 'unknown';
    const isSick = health !== 'healthy' && health !== 'unknown';
    const why = drained.has(name) ? ': it is drained' : isSick ? `: ${health}` : '';
    return `${name} gave it up${why}`;
  };
  const own = addressesByLease(guards).get(sessions.get(nodename)?.leaseId ?? '') ?? [];
  return own.flatMap((address) => {
    const from = before.guards.get(address)?.holder;
    return from === undefined || from === nodename ? [] : [{ address, from, reason: whyGivenUp(from) }];
  });
}
