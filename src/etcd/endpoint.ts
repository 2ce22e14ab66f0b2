import { rootCertificates } from 'node:tls';
import { type CallOptions, InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { noop } from 'cockatiel';
import { Etcd3, type IOptions, type IWatchRequest, type IWatchResponse } from 'etcd3';

/** How etcd is reached; certificates are the files' contents. */
export interface EtcdAccess {
  readonly endpoints: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
  /** How long one call may take, ms. */
  readonly timeoutMs: number;
}

/** A gRPC stream as etcd3 hands it out. */
export interface Duplex<Request, Response> {
  write(item: Request): void;
  end(): void;
  cancel(): void;
  on(event: 'data', listener: (data: Response) => void): this;
  on(event: 'end', listener: () => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}

export type WatchStream = Duplex<IWatchRequest, IWatchResponse>;

/** How etcd's "invalid auth token" reaches us. */
export const TOKEN_IS_OVER = 'the auth token is over';

/**
 * etcd3 as a typed transport to one endpoint: no fault policy of its own, a fresh deadline on every unary call, and
 * `hasleader` on every stream: without it a member that lost its quorum keeps silent watches open for ever. The token
 * is set here and not by etcd3's `auth`, which authenticates on connections of its own that ignore these options,
 * never closes them, and tries a refused token again without end.
 */
export function connect(access: EtcdAccess, endpoint: string, token: () => string | undefined): Etcd3 {
  const options: IOptions = {
    // etcd3 takes everything behind the scheme for host and port.
    hosts: endpoint.replace(/\/+$/, ''),
    faultHandling: { host: () => noop, global: noop },
    grpcOptions: {
      // Less than 6 s between pings and the server's policy cuts the connection.
      'grpc.keepalive_time_ms': 6000,
      'grpc.keepalive_timeout_ms': 1000,
      // A server takes pings on a connection without a stream for an attack, and what is in use has streams.
      'grpc.keepalive_permit_without_calls': 0,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.max_receive_message_length': -1,
      'grpc.enable_http_proxy': 0,
      // Each endpoint object has connections of its own, so that giving one up really means a new one.
      'grpc.use_local_subchannel_pool': 1,
    },
    defaultCallOptions: ({ isStream, service }): CallOptions => {
      if (isStream) return { interceptors: [withMetadata({ hasleader: () => 'true', token })] };
      // etcd refuses even the request for a token when it comes with one that is over.
      const metadata = service === 'Auth' ? {} : { token };
      return { interceptors: [withMetadata(metadata)], deadline: Date.now() + access.timeoutMs };
    },
    ...(endpoint.startsWith('https:') ? { credentials: credentialsOf(access) } : {}),
  };
  return new Etcd3(options);
}

/** Ends a stream of our own will. etcd3 takes the CANCELLED of a writable one for a failure and drops all channels. */
export function endStream(stream: Duplex<never, unknown>): void {
  stream.end();
  stream.cancel();
}

function credentialsOf(access: EtcdAccess): NonNullable<IOptions['credentials']> {
  return {
    rootCertificate: access.ca ?? Buffer.from(rootCertificates.join('\n')),
    ...(access.key === undefined ? {} : { privateKey: access.key }),
    ...(access.certificate === undefined ? {} : { certChain: access.certificate }),
  };
}

function withMetadata(values: Readonly<Record<string, () => string | undefined>>): Interceptor {
  return (callOptions, nextCall) =>
    new InterceptingCall(nextCall(callOptions), {
      start: (metadata, _, next) => {
        for (const [name, read] of Object.entries(values)) {
          const value = read();
          if (value !== undefined) metadata.set(name, value);
        }
        next(metadata, { onReceiveStatus: (status, pass) => pass(disguised(status)) });
      },
    });
}

/** etcd3 would repeat a call with a token that is over, at once and for ever, and no deadline would end that. */
function disguised<Status extends { details: string }>(status: Status): Status {
  return { ...status, details: status.details.replace('etcdserver: invalid auth token', TOKEN_IS_OVER) };
}
