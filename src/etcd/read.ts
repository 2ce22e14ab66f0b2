import { EtcdError } from './api.ts';
import type { Connection, Connections } from './connections.ts';
import { isWorthAnotherEndpoint } from './errors.ts';
import { hedged } from './hedged.ts';

/**
 * How long a read waits before it is made once more beside it, as a share of the time for a call. On another endpoint
 * if there is one, but with one too: in an election etcd looks for a new leader once a second, a fresh request at once.
 */
const STAGGER_SHARE = 0.3;

export type Read = <T>(what: string, run: (connection: Connection) => Promise<T>) => Promise<T>;

/** What may be asked more than once: an endpoint that fails, or hesitates, is helped out by the others. */
export function reading({ endpoints, at, call }: Connections, timeoutMs: number): Read {
  async function round<T>(
    index: number,
    what: string,
    run: (connection: Connection) => Promise<T>,
    isLate: () => boolean,
  ): Promise<T> {
    const order = endpoints();
    const first = index % order.length;
    const errors: EtcdError[] = [];
    for (const endpoint of [...order.slice(first), ...order.slice(0, first)]) {
      try {
        return await call(at(endpoint), what, run);
      } catch (error) {
        if (!(error instanceof EtcdError) || isFinal(error)) throw error;
        errors.push(error);
        if (isLate()) break;
      }
    }
    throw firstOf(errors);
  }

  return (what, run) => {
    const startedAt = performance.now();
    const isLate = () => performance.now() - startedAt >= timeoutMs;
    return hedged((index) => round(index, what, run, isLate), {
      attempts: Math.ceil(1 / STAGGER_SHARE),
      staggerMs: timeoutMs * STAGGER_SHARE,
      isFinal,
      isLate,
    });
  };
}

/** The error of the first endpoint, which was to answer, with those of the others. */
function firstOf([first, ...others]: readonly EtcdError[]): EtcdError | undefined {
  if (first === undefined || others.length === 0) return first;
  return new EtcdError(first.kind, first.endpoint, first.message, first.cause, others);
}

function isFinal(error: unknown): boolean {
  return !(error instanceof EtcdError && isWorthAnotherEndpoint(error));
}
