import type { Config } from '../config/config.ts';
import { readInterface, readNodeName } from '../config/names.ts';
import type { Reading } from '../config/rules.ts';
import type { Address } from '../domain/address.ts';
import { nextFor } from '../domain/address-note.ts';
import type { Cluster } from '../domain/cluster.ts';
import { holderOf, planOf } from '../domain/planning.ts';
import { readPoolAddress } from './address-argument.ts';
import { CommandError, EXIT } from './exit.ts';
import { whyUnknown } from './node-argument.ts';
import { type Change, changeOptions, type Wishes } from './pool-options.ts';
import { optionsText } from './text.ts';
import { readCluster, withEtcdToWrite } from './with-etcd.ts';

/** As typed: an option that is not named stays as it is, and an empty one goes. */
export interface IpAddOptions {
  readonly interface?: string;
  readonly netmask?: string;
  readonly node?: string;
  readonly prefer?: string;
  readonly role?: string;
}

/** Puts an address into the pool, or changes its options. Doing it twice is doing it once. */
export async function ipAdd(config: Config, text: string, typed: IpAddOptions): Promise<void> {
  const address = readPoolAddress(text);
  const wishes = readWishes(address, typed);
  await withEtcdToWrite(config, async (session) => {
    console.log(described(address, await changeOptions(session, address, wishes)));
    const cluster = await readCluster(session);
    warnOfUnknown(cluster, wishes);
    tellHolder(cluster, address);
  });
}

function described(address: Address, { kind, before, options }: Change): string {
  const now = optionsText(options);
  const inBrackets = now === '' ? '' : ` (${now})`;
  if (kind === 'unchanged') return `${address} is already in the pool${inBrackets}`;
  if (kind === 'added') return `${address} is in the pool now${inBrackets}`;
  const had =
    'problem' in before ? `unreadable options (${before.problem})` : optionsText(before) || 'no options';
  return `${address} had ${had}, and now has ${now || 'no options'}`;
}

function readWishes(address: Address, typed: IpAddOptions): Wishes {
  const longest = address.includes(':') ? 128 : 32;
  const readers: { readonly [Name in keyof Required<IpAddOptions>]: (given: string) => Reading<unknown> } = {
    interface: readInterface,
    netmask: (given) =>
      /^\d{1,3}$/.test(given) && Number(given) >= 1 && Number(given) <= longest
        ? { value: Number(given) }
        : { refused: `must be a prefix length from 1 to ${longest}` },
    node: readNodeName,
    prefer: readNodeName,
    role: (given) => ({ value: given }),
  };
  const wishes = Object.entries(readers).flatMap(([name, read]) => {
    const given = typed[name as keyof IpAddOptions];
    if (given === undefined) return [];
    const reading = given === '' ? { value: null } : read(given);
    if ('value' in reading) return [[name, reading.value] as const];
    throw new CommandError(EXIT.usage, `--${name} ${reading.refused}, got ${JSON.stringify(given)}`);
  });
  return Object.fromEntries(wishes);
}

/** A node that joins later may be named before it does; more often it is a slip. */
function warnOfUnknown(cluster: Cluster, wishes: Wishes): void {
  for (const option of ['node', 'prefer'] as const) {
    const name = wishes[option];
    const why = name == null ? undefined : whyUnknown(cluster, name);
    if (why !== undefined) console.error(`yaim: warning: --${option}: ${why}`);
  }
}

/** Who has the address now, or is about to. */
function tellHolder(cluster: Cluster, address: Address): void {
  const plan = planOf(cluster);
  const holder = holderOf(cluster, address);
  const next = nextFor(cluster, plan)(address);
  const isHomeless = plan.unheld.some((entry) => entry.address === address);
  if (isHomeless) console.error(`yaim: warning: nobody can hold it now: ${next}`);
  else if (holder === null && next !== null) console.log(next);
  else if (holder !== null) console.log(`${holder} holds it${next === null ? '' : `; ${next}`}`);
}
