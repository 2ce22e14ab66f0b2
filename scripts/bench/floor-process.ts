/*
 * The floor below which nothing that works as yaim does can get: it watches the pool, claims each new address by the one
 * transaction that yaim needs too, and executes `ip`; no more. It proves nothing, renews nothing and minds nobody.
 *
 *   node floor-process.ts ENDPOINT SERVICE NODE [batch]
 *
 * With "batch" one `ip -batch` stays and reads from a pipe, instead of a process for each address.
 */
import { execFile, spawn } from 'node:child_process';
import { Etcd3 } from 'etcd3';

const [endpoint = '', service = '', node = '', mode = ''] = process.argv.slice(2);

const etcd = new Etcd3({ hosts: endpoint });
const pool = `${service}/ips/`;
const lease = etcd.lease(60, { autoKeepAlive: true });
const leaseId = await lease.grant();
await lease.put(`${service}/nodes/${node}`).value(node);

const batch = mode === 'batch' ? spawn('ip', ['-force', '-batch', '-']) : undefined;
// A writer that pauses until it has been read would be measured otherwise.
batch?.stdout.resume();
batch?.stderr.resume();

const watcher = await etcd.watch().prefix(pool).create();
watcher.on('put', ({ key }) => claim(key.toString()));
watcher.on('delete', ({ key }) => giveUp(key.toString()));
console.log('watching');

async function claim(poolKey: string): Promise<void> {
  if (poolKey.endsWith('/marked')) return;
  const address = poolKey.slice(pool.length);
  const guard = `${service}/guards/${address}`;
  const mark = `${poolKey}/marked`;
  const { succeeded } = await etcd
    .if(`${service}/nodes/${node}`, 'Lease', '==', leaseId)
    .and(poolKey, 'Version', '!=', 0)
    .and(guard, 'Version', '==', 0)
    .and(mark, 'Version', '==', 0)
    .then(etcd.put(guard).value(node).lease(leaseId), etcd.put(mark).value(node).lease(leaseId))
    .commit();
  if (succeeded) ip('add', address);
}

async function giveUp(poolKey: string): Promise<void> {
  if (poolKey.endsWith('/marked')) return;
  const address = poolKey.slice(pool.length);
  ip('delete', address);
  await etcd.delete().key(`${service}/guards/${address}`);
  await etcd.delete().key(`${poolKey}/marked`);
}

function ip(verb: 'add' | 'delete', address: string): void {
  const words = ['address', verb, `${address}/32`, 'dev', 'eth0'];
  if (batch !== undefined) batch.stdin.write(`${words.join(' ')}\n`);
  else
    execFile('ip', words, (error) => {
      if (error !== null) throw error;
    });
}
