import { describeGiven } from '../config/problem.ts';
import { CommandError, EXIT } from './exit.ts';

/** The etcd of a Go yaim, as `--from` names it. */
export interface V2Source {
  /** `http://10.0.0.2:2379`: what may be shown. */
  readonly origin: string;
  /** The directory that the URL names, `/yaim`; null: the one that is called like the service. */
  readonly directory: string | null;
  /** `user:password`; never shown. */
  readonly credentials: string | null;
}

const ETCD_PORT = '2379';

/**
 * Reads `http[s]://[user:password@]host[:port][/directory]`; the directory may be written as in the API, below /v2/keys.
 * @throws CommandError with status 64, which shows nothing that could be a password
 */
export function readV2Source(text: string): V2Source {
  const refuse = (why: string): never => {
    throw new CommandError(EXIT.usage, `--from ${why}${describeGiven(text)}`);
  };
  const shape = 'must be http[s]://[user:password@]host[:port][/directory]';
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return refuse(shape);
  // A password with a slash in it, not encoded, ends what is taken for the host: the rest is no directory to be shown.
  const encoding = 'in user and password @ / ? # % are written as %40 %2F %3F %23 %25';
  if (url.search !== '' || url.hash !== '' || url.pathname.includes('@')) {
    return refuse(`${shape}; ${encoding}`);
  }
  const [user, password, path] = [url.username, url.password, url.pathname].map(decoded);
  if (user === undefined || password === undefined || path === undefined) return refuse(encoding);
  const directory = path.replace(/^\/v2\/keys(?=\/|$)/, '').replace(/\/+$/, '');
  // As in etcd_endpoints: without a port it is etcd's, and not the web's.
  if (!/^https?:\/\/[^/]*:\d+(\/|$)/i.test(text)) url.port = ETCD_PORT;
  return {
    origin: url.origin,
    directory: directory === '' ? null : directory,
    credentials: user === '' ? null : `${user}:${password}`,
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
