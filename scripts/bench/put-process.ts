/*
 * Runs in the client's namespace: node put-process.ts ENDPOINT KEY RUNS
 * Puts a key and deletes it again, and says when: a JSON line {"sentAtMs": …} for each put, taken just before it is sent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';

const [endpoint = '', key = '', runs = '1'] = process.argv.slice(2);
const SETTLED_MS = 150;

const etcd = new Etcd3({ hosts: endpoint });
// The connection stands before anything is measured.
await etcd.get(key);
for (let run = 0; run < Number(runs); run += 1) {
  // Some time or other: never in step with what agents do each second.
  await delay(SETTLED_MS + Math.random() * 150);
  const sentAtMs = performance.timeOrigin + performance.now();
  await etcd.put(key).value('');
  const answeredAtMs = performance.timeOrigin + performance.now();
  process.stdout.write(`${JSON.stringify({ sentAtMs, answeredAtMs })}\n`);
  await delay(SETTLED_MS);
  await etcd.delete().key(key);
}
etcd.close();
