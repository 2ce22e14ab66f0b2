import { combineLatest, filter, fromEvent, lastValueFrom, map, merge, take, takeUntil, tap } from 'rxjs';
import { monotonicScheduler } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Cluster } from '../domain/cluster.ts';
import { readHistory, type Takeover } from '../domain/history.ts';
import { lostNodes } from '../domain/lost.ts';
import { reportOf } from '../domain/report.ts';
import { follow$ } from '../streams/cluster.ts';
import { history$ } from '../streams/history.ts';
import { type Seen, statusText } from './status-text.ts';
import { type EtcdSession, readCluster, withEtcd } from './with-etcd.ts';

export interface StatusOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

/** Nodes, addresses, and who holds what since when, from etcd alone. */
export async function status(config: Config, { json, watch }: StatusOptions): Promise<void> {
  await withEtcd(config, async (session) => {
    if (watch === true) return follow(config, session, json === true);
    const cluster = await readCluster(session);
    const { keyValues } = await session.attempt(() => session.etcd.range(session.keys.history, 'prefix'));
    const seen = seenOf(config, cluster, readHistory(keyValues));
    process.stdout.write(
      json === true ? `${JSON.stringify(seen, undefined, 2)}\n` : statusText(seen, Date.now()),
    );
  });
}

/** The status anew after every change, until Ctrl-C: a screen, or an object a line. */
async function follow(config: Config, { etcd, keys }: EtcdSession, json: boolean): Promise<void> {
  const clear = process.stdout.isTTY ? '\u001b[H\u001b[2J\u001b[3J' : '';
  const show = (seen: Seen): string =>
    json ? `${JSON.stringify(seen)}\n` : `${clear}${statusText(seen, Date.now())}${clear ? '' : '\n'}`;
  const stop$ = merge(fromEvent(process, 'SIGINT'), fromEvent(process, 'SIGTERM')).pipe(take(1));
  const deps = { etcd, keys, scheduler: monotonicScheduler };
  const cluster$ = follow$(deps).pipe(
    tap((event) => event.kind === 'disconnected' && console.error(`yaim: ${event.error.message}; trying on`)),
    filter((event) => event.kind === 'cluster'),
  );
  const shown$ = combineLatest([cluster$, history$(deps)]).pipe(
    map(([{ cluster }, takeovers]) => process.stdout.write(show(seenOf(config, cluster, takeovers)))),
    takeUntil(stop$),
  );
  await lastValueFrom(shown$, { defaultValue: undefined });
}

/** The report, and the nodes of which nothing but history is left. */
function seenOf({ service }: Config, cluster: Cluster, takeovers: readonly Takeover[]): Seen {
  const report = reportOf(service, cluster);
  return { ...report, lost: lostNodes(report.nodes, takeovers, Date.now()) };
}
