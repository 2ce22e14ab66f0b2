import type { EtcdServer } from './etcd-server.ts';

/** Key and value of everything below a prefix. */
export async function contentsOf(
  etcd: EtcdServer,
  prefix: string,
): Promise<Readonly<Record<string, string>>> {
  const { kvs = [] } = await read(etcd, '--prefix', prefix);
  return Object.fromEntries(kvs.map(({ key, value = '' }) => [decode(key), decode(value)]));
}

/** The store's revision: the same before and after what changed nothing. */
export async function revisionOf(etcd: EtcdServer): Promise<number> {
  return (await read(etcd, 'none')).header.revision;
}

/** A new lease, as `put` takes it. */
export async function grantLease(etcd: EtcdServer, ttlSeconds: number): Promise<string> {
  const granted = /lease ([0-9a-f]+) granted/.exec(await etcd.control('lease', 'grant', String(ttlSeconds)));
  return BigInt(`0x${granted?.[1]}`).toString();
}

interface Answer {
  readonly header: { readonly revision: number };
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
}

async function read(etcd: EtcdServer, ...args: readonly string[]): Promise<Answer> {
  return JSON.parse(await etcd.control('get', ...args, '-w', 'json'));
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
