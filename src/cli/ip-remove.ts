import type { Config } from '../config/config.ts';
import { holderOf } from '../domain/planning.ts';
import { readAddress } from './address-argument.ts';
import { CommandError, EXIT } from './exit.ts';
import { poolKeysOf } from './pool-keys.ts';
import { readCluster, withEtcdToWrite } from './with-etcd.ts';

/** Takes an address out of the pool, in every spelling. Its holder sees that, drops it and cleans up after itself. */
export async function ipRemove(config: Config, text: string): Promise<void> {
  const address = readAddress(text);
  await withEtcdToWrite(config, async (session) => {
    const existing = await poolKeysOf(session, address);
    if (existing.length === 0) throw new CommandError(EXIT.failed, `${address} is not in the pool`);
    const operations = existing.map(({ key }) => ({ kind: 'delete', key }) as const);
    await session.attempt(() => session.etcd.transact([], operations));
    const holder = holderOf(await readCluster(session), address);
    console.log(`${address} is out of the pool${holder === null ? '' : `; ${holder} drops it`}`);
  });
}
