import { readFileSync } from 'node:fs';
import type { Subscription } from 'rxjs';
import { etcdClient } from '../../../src/etcd/client.ts';
import { startEtcd } from '../../support/etcd-server.ts';

/** What a real etcd of one member spends for claims and for telling watchers of them: processor time, µs. */
export interface EtcdCost {
  readonly version: string;
  readonly transactionUs: number;
  readonly messageUs: number;
}

const TRANSACTIONS = 3000;
const PARALLEL = 20;
const STREAMS = 60;
/** etcd puts watches of one client on streams of one connection; hosts have a connection each. */
const CLIENTS = 20;

export async function etcdCost(): Promise<EtcdCost> {
  const etcd = await startEtcd();
  const access = { endpoints: etcd.endpoints, timeoutMs: 5000 };
  const writer = etcdClient(access);
  const readers = Array.from({ length: CLIENTS }, () => etcdClient(access));
  const watches: Subscription[] = [];
  try {
    const pid = etcd.members[0]?.pid ?? 0;
    const claims = async (round: number): Promise<number> => {
      const begin = processorUs(pid);
      let next = 0;
      const work = async () => {
        for (let index = next++; index < TRANSACTIONS; index = next++) {
          const key = `svc/guards/${round}.${index}`;
          const mark = { kind: 'put', key: `svc/ips/${round}.${index}/marked`, value: 'db0001' } as const;
          await writer.transact(
            [{ key, exists: false }],
            [{ kind: 'put', key, value: '{"node":"db0001"}' }, mark],
          );
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, work));
      return (processorUs(pid) - begin) / TRANSACTIONS;
    };
    await claims(0);
    const alone = await claims(1);
    let heard = 0;
    let ready = 0;
    for (let index = 0; index < STREAMS; index += 1) {
      const watch$ = readers[index % CLIENTS]?.watch('svc/', 0);
      const watch = watch$?.subscribe(({ events }) => {
        if (events.length === 0) ready += 1;
        else heard += 1;
      });
      if (watch !== undefined) watches.push(watch);
    }
    while (ready < STREAMS) await new Promise((resolve) => setTimeout(resolve, 10));
    const watched = await claims(2);
    const messageUs = ((watched - alone) * TRANSACTIONS) / Math.max(1, heard);
    const version = /etcdctl version: (\S+)/.exec(await etcd.control('version'))?.[1] ?? '';
    return { version, transactionUs: alone, messageUs };
  } finally {
    for (const watch of watches) watch.unsubscribe();
    for (const client of [writer, ...readers]) client.close();
    await etcd.stop();
  }
}

/** User and system time of a process so far; the kernel counts in hundredths of a second. */
function processorUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
