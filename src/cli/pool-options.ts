import type { Address } from '../domain/address.ts';
import type { PoolOptions } from '../domain/pool.ts';
import { formatPoolOptions, parsePoolOptions } from '../domain/values.ts';
import type { Operation } from '../etcd/api.ts';
import { CommandError, EXIT } from './exit.ts';
import { poolKeysOf, unchanged } from './pool-keys.ts';
import type { EtcdSession } from './with-etcd.ts';

/** Options to be set, or to be taken away (null); the others stay. */
export type Wishes = { readonly [Name in keyof PoolOptions]?: PoolOptions[Name] | null };

/** What became of the pool's entry. */
export interface Change {
  readonly kind: 'added' | 'changed' | 'unchanged';
  readonly before: PoolOptions | { readonly problem: string };
  readonly options: PoolOptions;
}

/** How often somebody else may change the same address while we do. */
const RACES = 5;

/**
 * Changes the options of a pool address, or adds the address where it is not in the pool; whatever somebody else
 * changes at the same time is kept.
 * @throws CommandError with status 1 when it is changed by others all the time
 */
export async function changeOptions(session: EtcdSession, address: Address, wishes: Wishes): Promise<Change> {
  for (let race = 1; race <= RACES; race += 1) {
    const change = await tryChange(session, address, wishes);
    if (change !== undefined) return change;
  }
  throw new CommandError(EXIT.failed, `${address} is being changed by somebody else: try again`);
}

/** Undefined when the pool changed under us. */
async function tryChange(
  session: EtcdSession,
  address: Address,
  wishes: Wishes,
): Promise<Change | undefined> {
  const { etcd, keys, attempt } = session;
  const existing = await poolKeysOf(session, address);
  const [effective] = existing;
  const before = effective === undefined ? {} : parsePoolOptions(effective.value, address);
  const known = 'problem' in before ? {} : before;
  const options = merged(known, wishes);
  const value = formatPoolOptions(options);
  const isReadable = !('problem' in before);
  if (effective !== undefined && isReadable && value === formatPoolOptions(known)) {
    return { kind: 'unchanged', before, options };
  }
  const key = keys.pool(address);
  const others = existing.filter((other) => other.key !== key);
  const operations: readonly Operation[] = [
    { kind: 'put', key, value },
    ...others.map((other): Operation => ({ kind: 'delete', key: other.key })),
  ];
  const absent = others.length === existing.length ? [{ key, exists: false }] : [];
  const { succeeded } = await attempt(() => etcd.transact([...unchanged(existing), ...absent], operations));
  if (!succeeded) return undefined;
  return { kind: effective === undefined ? 'added' : 'changed', before, options };
}

function merged(known: PoolOptions, wishes: Wishes): PoolOptions {
  const entries = Object.entries({ ...known, ...wishes });
  return Object.fromEntries(entries.filter(([, value]) => value !== null));
}
