import type { Journal } from '../journal.ts';
import type { Log } from '../log.ts';
import { etcdJournal } from './etcd.ts';
import { kernelJournal } from './kernel.ts';
import { nodeJournal } from './node.ts';

/** A journal that goes to the log. @param now monotonic, ms */
export function loggedJournal(log: Log, nodename: string, now: () => number): Journal {
  return { ...etcdJournal(log, nodename), ...kernelJournal(log, now), ...nodeJournal(log, nodename) };
}
