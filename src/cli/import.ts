import type { Config } from '../config/config.ts';
import type { Address } from '../domain/address.ts';
import { CommandError, EXIT } from './exit.ts';
import { type GoPool, goPoolOf } from './go-pool.ts';
import { bold, count, printable, red, shortList, table } from './text.ts';
import { readV2Source, type V2Source } from './v2-source.ts';
import { readV2Tree } from './v2-tree.ts';
import { type EtcdSession, withEtcd, withEtcdToWrite } from './with-etcd.ts';

export interface ImportOptions {
  readonly from: string;
  readonly write?: boolean;
  readonly force?: boolean;
}

/** etcd's default of --max-txn-ops. */
const MOST_OPERATIONS = 128;
/** How often somebody else may change the pool while we do. */
const RACES = 5;

/** Lists the pool of a Go yaim, and with `write` puts what is missing into ours. Doing it twice is doing it once. */
export async function importPool(config: Config, { from, write, force }: ImportOptions): Promise<void> {
  const source = readV2Source(from);
  const directory = source.directory ?? `/${config.service.replace(/^\/+/, '')}`;
  const pool = await readGoPool(source, directory, config);
  const withOurs = write === true ? withEtcdToWrite : withEtcd;
  await withOurs(config, async (session) => {
    const missing = await missingOf(session, pool);
    console.log(`${source.origin} ${printable(directory)} → service ${config.service}`);
    describePool(pool, new Set(missing));
    const danger = dangerOf(pool);
    if (danger !== undefined) console.error(bold(red(`yaim: DANGER: ${printable(danger)}`)));
    if (write !== true) {
      console.log(
        `Nothing was written.${missing.length === 0 ? '' : ' The same with --write writes what is new.'}`,
      );
      return;
    }
    if (danger !== undefined && force !== true) {
      throw new CommandError(
        EXIT.failed,
        'nothing was written: stop them first. If they are surely dead: --force',
      );
    }
    const written = await writeMissing(session, pool);
    console.log(`${count(written, 'address was', 'addresses were')} put into the pool.`);
  });
}

async function readGoPool(source: V2Source, directory: string, config: Config): Promise<GoPool> {
  const root = await readV2Tree(source, directory, config);
  const pool = root === undefined ? undefined : goPoolOf(root);
  if (pool !== undefined) return pool;
  const where =
    source.directory === null ? '; if the Go yaim had another service, it goes behind the URL' : '';
  throw new CommandError(
    EXIT.failed,
    `${source.origin} has no v2 directory ${printable(directory)}/ips${where}`,
  );
}

function describePool({ addresses, skipped }: GoPool, missing: ReadonlySet<Address>): void {
  if (addresses.length === 0) console.log('There is no address.');
  else {
    const rows = addresses.map(({ address, holder }) => [
      address,
      missing.has(address) ? 'new' : 'in the pool already',
      holder === null ? '' : printable(holder),
    ]);
    console.log(table(['ADDRESS', 'HERE', 'MARKED THERE BY'], rows));
  }
  if (skipped.length > 0) {
    console.log();
    console.log(
      table(
        ['SKIPPED', 'WHY'],
        skipped.map(({ key, reason }) => [printable(key), printable(reason)]),
      ),
    );
  }
  console.log();
}

/** Two systems that do not know of each other put one address on two hosts: no fence of ours reaches a Go yaim. */
function dangerOf({ addresses, agents }: GoPool): string | undefined {
  const held = addresses.filter(({ holder }) => holder !== null);
  const signs = [
    ...(agents.length === 0 ? [] : [`its nodes are advertised: ${shortList(agents)}`]),
    ...(held.length === 0
      ? []
      : [`it holds ${shortList(held.map(({ address, holder }) => `${address} (${holder})`))}`]),
  ];
  if (signs.length === 0) return undefined;
  return (
    `the Go yaim still runs (${signs.join('; ')}). It knows nothing of this one: addresses that both share ` +
    'are on two hosts. Stop all its agents, take its addresses off (it leaves them where it died), and only ' +
    'then write the pool and start agents of this yaim.'
  );
}

/** What the pool does not list, in no spelling. */
async function missingOf(
  { etcd, keys, attempt }: EtcdSession,
  { addresses }: GoPool,
): Promise<readonly Address[]> {
  const { keyValues } = await attempt(() => etcd.range(`${keys.prefix}ips/`, 'prefix'));
  const listed = new Set<Address>();
  for (const keyValue of keyValues) {
    const key = keys.parse(keyValue.key);
    if (key.kind === 'pool') listed.add(key.address);
  }
  return addresses.map(({ address }) => address).filter((address) => !listed.has(address));
}

/** Only what is absent is written: options that somebody gives an address at the same time stay. */
async function writeMissing(session: EtcdSession, pool: GoPool): Promise<number> {
  const { etcd, keys, attempt } = session;
  let written = 0;
  for (let race = 1; race <= RACES; ) {
    const batch = (await missingOf(session, pool)).slice(0, MOST_OPERATIONS).map(keys.pool);
    if (batch.length === 0) return written;
    const { succeeded } = await attempt(() =>
      etcd.transact(
        batch.map((key) => ({ key, exists: false })),
        batch.map((key) => ({ kind: 'put', key, value: '' })),
      ),
    );
    if (succeeded) written += batch.length;
    else race += 1;
  }
  throw new CommandError(
    EXIT.failed,
    `the pool is being changed by somebody else: ${written} written; try again`,
  );
}
