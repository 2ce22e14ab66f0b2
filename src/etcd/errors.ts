import { EtcdError, type EtcdErrorKind } from './api.ts';
import { TOKEN_IS_OVER } from './endpoint.ts';

interface Meaning {
  readonly kind: EtcdErrorKind;
  readonly says: string;
  /** The transport's own words tell more. */
  readonly detailed?: boolean;
}

/** How etcd and gRPC say what went wrong, and what it means to yaim; the first that matches counts. */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/requested lease not found|Lease .* is expired/, { kind: 'lease-not-found', says: 'the lease is gone' }],
  [/revision has been compacted/, { kind: 'compacted', says: 'the history asked for is compacted' }],
  [
    /database space exceeded/,
    { kind: 'no-space', says: 'the database is full: compact, defragment and disarm the alarm' },
  ],
  [
    /invalid user ID or password|user name not found/,
    { kind: 'refused', says: 'user or password is wrong (etcd_user, etcd_password)' },
  ],
  [
    /permission denied/i,
    { kind: 'refused', says: 'the user may not read and write below `service` (etcd role)' },
  ],
  [/user name is empty/, { kind: 'refused', says: 'etcd asks for a user (etcd_user, etcd_password)' }],
  [
    /authentication is not enabled/,
    { kind: 'refused', says: 'etcd_user is set, but authentication is not enabled there' },
  ],
  [new RegExp(`${TOKEN_IS_OVER}|revision .* is old`), { kind: 'interrupted', says: TOKEN_IS_OVER }],
  [
    /self.signed|unable to (get|verify)|issuer|certificate has expired|certificate is not yet valid|altnames/i,
    { kind: 'unreachable', says: 'its TLS certificate is not accepted', detailed: true },
  ],
  [
    /bad certificate|certificate required|unknown ca|alert number (4[2-9]|116)/i,
    { kind: 'unreachable', says: 'it does not accept our TLS certificate (etcd_cert_file, etcd_key_file)' },
  ],
  [
    /wrong version number/i,
    { kind: 'unreachable', says: 'it does not speak TLS: http:// instead of https://?' },
  ],
  [/no leader/, { kind: 'unreachable', says: 'the member has no leader' }],
  [
    /leader changed|too many requests/,
    { kind: 'interrupted', says: 'the call was broken off', detailed: true },
  ],
  [/DEADLINE_EXCEEDED|Deadline exceeded|timed out/i, { kind: 'timeout', says: 'it did not answer in time' }],
  [/ECONNREFUSED/, { kind: 'unreachable', says: 'connection refused' }],
  [
    /ENOTFOUND|EAI_AGAIN|Name resolution failed/i,
    { kind: 'unreachable', says: 'its name is not known to DNS' },
  ],
  [
    /UNAVAILABLE|No connection established|ECONNRESET|EHOSTUNREACH|ENETUNREACH|Connection dropped|GOAWAY|CANCELLED|RST_STREAM/i,
    { kind: 'unreachable', says: 'it cannot be reached', detailed: true },
  ],
];

/** Any error of the transport as an EtcdError: one line for an operator, with the cause kept. */
export function etcdErrorOf(endpoint: string, what: string, error: unknown): EtcdError {
  if (error instanceof EtcdError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(text))?.[1];
  const detail = meaning === undefined ? essenceOf(text) : wordsOf(meaning, text);
  return new EtcdError(meaning?.kind ?? 'other', endpoint, `etcd at ${endpoint}: ${what}: ${detail}`, error);
}

/** Whether another endpoint may answer what this one did not. */
export function isWorthAnotherEndpoint(error: EtcdError): boolean {
  return isEndpointAtFault(error) || error.kind === 'interrupted';
}

/** Whether to stay away from the endpoint for a while. What etcd itself says is an answer, however unwelcome. */
export function isEndpointAtFault({ kind, cause }: EtcdError): boolean {
  if (kind === 'other') return !(cause instanceof Error && cause.message.includes('etcdserver:'));
  return kind === 'unreachable' || kind === 'timeout';
}

function wordsOf({ says, detailed = false }: Meaning, text: string): string {
  const essence = essenceOf(text);
  return detailed && essence !== '' ? `${says}: ${essence}` : says;
}

/** gRPC repeats itself and lists its inner life: its first sentence, without codes, is what a person can use. */
function essenceOf(text: string): string {
  return text
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^[A-Z_]+: /, '')
    .replace(/^No connection established\. Last error: /i, '')
    .replace(/^(Error: |etcdserver: )/, '')
    .replace(/(\. |;|, ?(metadata|remote_addr|LB pick|code|errno)|\s*\(\d{4}-|\n| Resolution note).*$/s, '')
    .slice(0, 200)
    .trim();
}
