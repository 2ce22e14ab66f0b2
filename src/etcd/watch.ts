import { AsyncLocalStorage } from 'node:async_hooks';
import type { IWatchResponse } from 'etcd3';
import { Observable } from 'rxjs';
import type { EtcdError, WatchBatch, WatchEvent } from './api.ts';
import { endStream, type WatchStream } from './endpoint.ts';
import { endOfPrefix, headerOf, keyValueOf } from './wire.ts';

export interface WatchOptions {
  readonly open: () => Promise<WatchStream>;
  readonly prefix: string;
  readonly startRevision: number;
  /** Aborted, with an EtcdError as reason, when the endpoint failed elsewhere. */
  readonly givenUp: AbortSignal;
  /** Turns what ended the stream into an EtcdError, and gives the endpoint up if need be. */
  readonly failed: (error: unknown) => EtcdError;
}

/**
 * A progress request every half second; a member that answers none of three is given up. TCP notices after minutes.
 * Requests are counted, not time: a process that was stopped itself must not blame the member.
 */
const PROGRESS_EVERY_MS = 500;
const UNANSWERED_REQUESTS = 3;

/** One watch on one gRPC stream, as an Observable of whole revisions. */
export function watchOn({ open, givenUp, failed, ...range }: WatchOptions): Observable<WatchBatch> {
  return new Observable((subscriber) => {
    let stream: WatchStream | undefined;
    let unanswered = 0;

    const fail = (error: unknown): void => {
      if (!subscriber.closed) subscriber.error(failed(error));
    };
    const failWithEndpoint = (): void => fail(givenUp.reason);

    const timer = setInterval(() => {
      if (unanswered >= UNANSWERED_REQUESTS) {
        fail(new Error(`timed out: no progress in ${UNANSWERED_REQUESTS * PROGRESS_EVERY_MS} ms`));
        return;
      }
      unanswered += 1;
      stream?.write({ progress_request: {} });
    }, PROGRESS_EVERY_MS);

    const read = reader((batch) => subscriber.next(batch), fail);
    // What listeners open on account of an event is not the endpoint's (see sockets.ts).
    const outside = AsyncLocalStorage.snapshot();
    open().then((opened) => {
      stream = opened;
      // Before anything else: a stream that breaks without a listener ends the process.
      opened.on('error', fail);
      opened.on('end', () => fail(new Error('UNAVAILABLE: the watch stream ended')));
      opened.on('data', (response) => {
        unanswered = 0;
        if (!subscriber.closed) outside(read, response);
      });
      if (subscriber.closed) endStream(opened);
      else opened.write({ create_request: requestOf(range) });
    }, fail);
    givenUp.addEventListener('abort', failWithEndpoint);
    if (givenUp.aborted) failWithEndpoint();

    return () => {
      clearInterval(timer);
      givenUp.removeEventListener('abort', failWithEndpoint);
      if (stream !== undefined) endStream(stream);
    };
  });
}

/** Puts fragments together; what is no event and does not say that the watch stands is progress, and nobody's business. */
function reader(emit: (batch: WatchBatch) => void, fail: (error: Error) => void) {
  let fragments: WatchEvent[] = [];
  return (response: IWatchResponse): void => {
    if (response.canceled) {
      fail(cancelled(response));
      return;
    }
    if (response.events.length === 0 && !response.created) return;
    fragments.push(...response.events.map(eventOf));
    if (response.fragment) return;
    const events = fragments;
    fragments = [];
    emit({ header: headerOf(response.header), events });
  };
}

function requestOf({ prefix, startRevision }: { readonly prefix: string; readonly startRevision: number }) {
  const range_end = endOfPrefix(prefix);
  return { key: Buffer.from(prefix), range_end, start_revision: startRevision, fragment: true };
}

function cancelled(response: IWatchResponse): Error {
  return Number(response.compact_revision) > 0
    ? new Error('required revision has been compacted')
    : new Error(response.cancel_reason || 'UNAVAILABLE: the member cancelled the watch');
}

function eventOf(event: IWatchResponse['events'][number]): WatchEvent {
  return event.type === 'Put'
    ? { kind: 'put', keyValue: keyValueOf(event.kv) }
    : { kind: 'delete', key: event.kv.key.toString(), modRevision: Number(event.kv.mod_revision) };
}
