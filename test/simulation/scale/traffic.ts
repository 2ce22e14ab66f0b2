import type { EtcdStore } from '../model/etcd-store.ts';

/** What an episode costs etcd, and what each watcher of the service is sent for it. */
export interface Traffic {
  /** Transactions that were sent, and those whose conditions failed. */
  readonly transactions: number;
  readonly failed: number;
  /** Keys that they wrote or deleted. */
  readonly operations: number;
  /** Nodes that wrote anything. */
  readonly writers: number;
  /** Revisions: a watcher is sent a message for each. */
  readonly messages: number;
  /** Keys that changed: events in these messages. */
  readonly events: number;
  /** Bytes of these messages, about: keys and values, and what the protocol adds. */
  readonly bytes: number;
}

export interface TrafficMeter {
  readonly asked: (writer: string, operations: number, succeeded: boolean) => void;
  readonly read: () => Traffic;
  readonly reset: () => void;
}

/** What protobuf, gRPC and HTTP/2 add to a message and to an event, bytes, about: by Debian 12's etcd, seen on the wire. */
const MESSAGE_BYTES = 45;
const EVENT_BYTES = 40;

export function trafficOf(store: EtcdStore): TrafficMeter {
  const none = { transactions: 0, failed: 0, operations: 0, messages: 0, events: 0, bytes: 0 };
  let counts = { ...none };
  const writers = new Set<string>();
  store.listen(({ events }) => {
    counts.messages += 1;
    counts.events += events.length;
    counts.bytes += MESSAGE_BYTES;
    for (const event of events) {
      const text = event.kind === 'put' ? event.keyValue.key + event.keyValue.value : event.key;
      counts.bytes += EVENT_BYTES + text.length;
    }
  });
  return {
    asked: (writer, operations, succeeded) => {
      writers.add(writer);
      counts.transactions += 1;
      counts.operations += operations;
      if (!succeeded) counts.failed += 1;
    },
    read: () => ({ ...counts, writers: writers.size }),
    reset: () => {
      counts = { ...none };
      writers.clear();
    },
  };
}
