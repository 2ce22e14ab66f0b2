import { Observable } from 'rxjs';
import { EtcdError, type WatchBatch } from '../../../src/etcd/api.ts';
import type { ConnectionWorld } from './etcd-connection.ts';
import type { Change } from './etcd-store.ts';
import { deposedOf, isWhole, type Stream } from './link.ts';

/** The client gives up a member that was silent for so long; it looks every half second. */
const SILENCE_MS = 1500;
const LOOK_MS = 500;

/** One watch stream: in order, late, cut, stalled; its header's revision runs ahead of events still to come. */
export function watchThrough(
  { timeline, random, cluster, link, process, asked }: ConnectionWorld,
  prefix: string,
  startRevision: number,
): Observable<WatchBatch> {
  const { store } = cluster;
  return new Observable((subscriber) => {
    let pending: Change[] = [];
    let isOpen = false;
    let lastArrival = 0;
    let unlisten = (): void => {};
    let isGivenUp = false;
    asked('watch');

    const fail = (kind: EtcdError['kind'], message: string): void => {
      if (isGivenUp) return;
      close();
      process.deliver(() => subscriber.error(new EtcdError(kind, 'etcd', `watch: ${message}`)));
    };
    const isAtDeposed = (): boolean => (deposedOf(link, timeline)?.others ?? 0) > 0;
    const stall = (): void => {
      const from = timeline.now();
      process.scheduler.schedule(() => {
        const isSilent = !isWhole(link) || isAtDeposed() || !cluster.isServing();
        if (isSilent || lastArrival < from) fail('timeout', 'the member was silent');
      }, SILENCE_MS + random.between(0, LOOK_MS));
    };
    const send = (batch: WatchBatch): void => process.deliver(() => isGivenUp || subscriber.next(batch));

    /** Whatever is ready goes out as one message, as a member under load does, or one revision by one. */
    const flush = (): void => {
      if (!isOpen || !link.answersPass || isGivenUp || pending.length === 0) return;
      const count = random.chance(0.7) ? 1 : pending.length;
      const taken = pending.slice(0, count);
      pending = pending.slice(count);
      lastArrival = timeline.now();
      const events = taken.flatMap((change) => change.events).filter((event) => isBelow(prefix, event));
      const batch = { header: { revision: store.revision(), term: cluster.term() }, events };
      if (events.length > 0) send(batch);
      if (events.length > 0 && random.chance(link.watchRepeats)) send(batch);
      if (pending.length > 0) timeline.after(0.05, flush);
    };
    let dueAt = 0;
    const hear = (change: Change): void => {
      dueAt = Math.max(dueAt, timeline.now() + random.between(0.1, 3) + random.next() * link.watchLagMs);
      timeline.at(dueAt, () => {
        pending.push(change);
        flush();
      });
    };
    const open = (): void => {
      if (isGivenUp || !isWhole(link) || !cluster.isServing() || isAtDeposed()) {
        stall();
        return;
      }
      if (startRevision < store.compacted()) {
        timeline.after(random.between(0.1, 3), () =>
          fail('compacted', 'required revision has been compacted'),
        );
        return;
      }
      isOpen = true;
      unlisten = store.listen((change) => change.revision >= startRevision && hear(change));
      const header = { revision: store.revision(), term: cluster.term() };
      timeline.after(random.between(0.1, 3), () => {
        if (!link.answersPass) return;
        lastArrival = timeline.now();
        send({ header, events: [] });
      });
      dueAt = timeline.now() + 3;
      for (const change of store.since(startRevision)) if (change.revision <= header.revision) hear(change);
    };
    const stream: Stream = {
      reset: () => fail('unreachable', 'connection reset'),
      flush,
      stall,
      isUpToDate: () => isOpen && dueAt <= timeline.now() && pending.length === 0,
    };
    const close = (): void => {
      isGivenUp = true;
      unlisten();
      link.streams.delete(stream);
    };
    link.streams.add(stream);
    timeline.after(random.between(0.2, 5), open);
    return close;
  });
}

function isBelow(prefix: string, event: WatchBatch['events'][number]): boolean {
  return (event.kind === 'put' ? event.keyValue.key : event.key).startsWith(prefix);
}
