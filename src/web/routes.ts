import type { Asset } from './assets.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RouteDependencies {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly status: () => Promise<string>;
  readonly metrics: () => Promise<Asset>;
  /** Why the node is not ready at this moment. */
  readonly whyNotReady: () => string | undefined;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
}

/** What a page of ours may do: load its own files and listen to its own events; nothing else, from nowhere else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const EVENT_STREAM = 'text/event-stream; charset=utf-8';

/** With every answer. */
export const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Everything that is answered at once, `/events` not: reading only. */
export async function answerTo({ method, path }: Asked, deps: RouteDependencies): Promise<Answer> {
  if (!isReading(method)) {
    return { ...plain(405, 'this is read-only: GET or HEAD'), headers: { Allow: 'GET, HEAD' } };
  }
  const asset = deps.assets.get(path);
  if (asset !== undefined) return { status: 200, ...asset };
  switch (path) {
    case '/status':
      return { status: 200, type: 'application/json; charset=utf-8', text: await deps.status() };
    case '/metrics':
      return { status: 200, ...(await deps.metrics()) };
    case '/events':
      // Only HEAD comes here.
      return { status: 200, type: EVENT_STREAM, text: '' };
    case '/healthz':
      return plain(200, 'ok');
    case '/readyz': {
      const reason = deps.whyNotReady();
      return reason === undefined ? plain(200, 'ready') : plain(503, reason);
    }
    default:
      return plain(404, 'there is /, /status, /events, /metrics, /healthz and /readyz');
  }
}

export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

export function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` };
}
