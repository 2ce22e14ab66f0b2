import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';
import type { LeaseId } from '../domain/cluster.ts';
import { type Duplex, endStream } from './endpoint.ts';

export interface KeepAlives {
  /** Sends one keepalive and waits for its answer. */
  readonly send: (leaseId: LeaseId) => Promise<{ readonly ttlMs: number; readonly term: string }>;
  readonly close: () => void;
}

type Stream = Duplex<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>;

interface Waiting {
  readonly resolve: (response: ILeaseKeepAliveResponse) => void;
  readonly reject: (error: Error) => void;
}

/** A stream with one request on it at most: there is no doubt whose answer comes. */
interface Line {
  readonly ask: (leaseId: LeaseId) => Promise<ILeaseKeepAliveResponse>;
  readonly hangUp: () => void;
}

/**
 * Keepalives on one endpoint. A stream is kept for the next one; a second one at the same time has its own, because a
 * member answers one after the other and may hold the first one up for an election.
 */
export function keepAlives(open: () => Promise<Stream>, timeoutMs: number): KeepAlives {
  let idle: Line | undefined;
  let isClosed = false;
  const busy = new Set<Line>();

  const forget = (line: Line): void => {
    if (idle === line) idle = undefined;
  };

  return {
    send: async (leaseId) => {
      const line = idle ?? aLine(open, timeoutMs, () => forget(line));
      idle = undefined;
      busy.add(line);
      try {
        const { TTL, header } = await line.ask(leaseId);
        if (idle === undefined && !isClosed) idle = line;
        return { ttlMs: Number(TTL) * 1000, term: header.raft_term };
      } finally {
        busy.delete(line);
        if (idle !== line) line.hangUp();
      }
    },
    close: () => {
      isClosed = true;
      for (const line of idle === undefined ? busy : [idle, ...busy]) line.hangUp();
      idle = undefined;
    },
  };
}

function aLine(open: () => Promise<Stream>, timeoutMs: number, broken: () => void): Line {
  let waiting: Waiting | undefined;
  const fail = (error: Error): void => {
    broken();
    waiting?.reject(error);
  };
  const stream = open().then((opened) => {
    opened.on('error', fail);
    opened.on('end', () => fail(new Error('UNAVAILABLE: the keepalive stream ended')));
    opened.on('data', (response) => waiting?.resolve(response));
    return opened;
  });
  stream.catch(fail);
  return {
    ask: async (leaseId) => {
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise<ILeaseKeepAliveResponse>((resolve, reject) => {
          waiting = { resolve, reject };
          timer = setTimeout(
            () => reject(new Error('DEADLINE_EXCEEDED: no answer to the keepalive')),
            timeoutMs,
          );
          stream.then((opened) => opened.write({ ID: leaseId }), reject);
        });
      } finally {
        clearTimeout(timer);
        waiting = undefined;
      }
    },
    hangUp: () => {
      waiting?.reject(new Error('CANCELLED: the keepalive stream is closed'));
      stream.then(endStream, () => undefined);
    },
  };
}
