import { type Address, parseAddress } from '../domain/address.ts';
import type { KeyValue } from '../domain/entries.ts';
import type { Condition } from '../etcd/api.ts';
import type { EtcdSession } from './with-etcd.ts';

/** The pool's keys of one address, in every spelling, also those that the agents refuse; sorted. */
export async function poolKeysOf(
  { etcd, keys, attempt }: EtcdSession,
  address: Address,
): Promise<readonly KeyValue[]> {
  const directory = `${keys.prefix}ips/`;
  const { keyValues } = await attempt(() => etcd.range(directory, 'prefix'));
  return keyValues.filter(({ key }) => {
    const [text = '', leaf = '', ...more] = key.slice(directory.length).split('/');
    return leaf === '' && more.length === 0 && parseAddress(text) === address;
  });
}

/** That these keys still are as they were read. */
export function unchanged(keyValues: readonly KeyValue[]): readonly Condition[] {
  return keyValues.map(({ key, modRevision }) => ({ key, modRevision }));
}
