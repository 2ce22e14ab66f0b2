import type { Address } from '../domain/address.ts';
import type { Cluster } from '../domain/cluster.ts';
import { readAddress } from './address-argument.ts';
import { CommandError, EXIT } from './exit.ts';

/** Who has the address, or may have it still; null: nobody. */
export function holderIn({ guards }: Cluster, address: Address): string | null {
  return guards.get(address)?.holder ?? null;
}

/**
 * An address of the pool, as typed.
 * @throws CommandError with status 64 for what is no address, 1 for one that is not in the pool
 */
export function pooledAddress(cluster: Cluster, text: string): Address {
  const address = readAddress(text);
  if (cluster.pool.has(address)) return address;
  const ignored = cluster.problems.find(({ key }) => key.endsWith(`/ips/${address}`));
  const why =
    ignored === undefined ? `"yaim ip add ${address}" adds it` : `its key is ignored: ${ignored.problem}`;
  throw new CommandError(EXIT.failed, `${address} is not in the pool; ${why}`);
}
