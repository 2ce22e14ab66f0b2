import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Observable, of } from 'rxjs';
import type { ProbeTarget, TlsOptions } from './database-target.ts';

/** A peer that vanished without a word ends an idle connection after this and ten more seconds (ten probes of Node's). */
const keepAliveInitialDelay = 1000;

/** An open connection, held until the unsubscribe, which destroys it. Errors when it cannot be made or is reset. */
export function opened$({ address, port }: ProbeTarget): Observable<Socket> {
  return new Observable((subscriber) => {
    const socket = connect(
      address.startsWith('/')
        ? { path: join(address, `.s.PGSQL.${port}`) }
        : { host: address, port, keepAlive: true, keepAliveInitialDelay, noDelay: true },
    );
    socket.on('error', (error) => subscriber.error(error));
    socket.once('connect', () => subscriber.next(socket));
    return () => socket.destroy();
  });
}

/**
 * The same connection, with TLS if the mode wants it and the server has it. pg knows no `prefer`: it would need a second
 * connection for every server without TLS, which most pgbouncers are.
 */
export function negotiated$({ address, tls }: ProbeTarget, socket: Socket): Observable<Socket> {
  if (tls.mode === 'disable' || address.startsWith('/')) return of(socket);
  return new Observable((subscriber) => {
    const onClose = () => subscriber.error(new Error('it closed the connection'));
    socket.once('close', onClose);
    socket.once('data', (answer) => {
      socket.off('close', onClose);
      // More than the one byte would be data that came unencrypted and is taken for encrypted (CVE-2021-23222).
      const has = answer.length === 1 ? answer.toString('latin1') : undefined;
      if (has === 'N' && (tls.mode === 'prefer' || tls.mode === 'allow')) subscriber.next(socket);
      else if (has === 'N') subscriber.error(new Error(`it has no TLS, and sslmode is ${tls.mode}`));
      else if (has !== 'S') subscriber.error(new Error('its answer to the request for TLS makes no sense'));
      else subscriber.add(secured$(address, tls, socket).subscribe(subscriber));
    });
    socket.write(SSL_REQUEST);
  });
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: length 8, code 80877103. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

function secured$(address: string, tls: TlsOptions, socket: Socket): Observable<Socket> {
  return new Observable((subscriber) => {
    const secured = connectTls({ ...tlsSettings(address, tls), socket }, () => subscriber.next(secured));
    secured.on('error', (error) => subscriber.error(error));
    return () => secured.destroy();
  });
}

/** As in libpq, `require` verifies where a root certificate is given; without one the modes that verify take Node's. */
function tlsSettings(address: string, { mode, caFile, certFile, keyFile }: TlsOptions): ConnectionOptions {
  const isVerified = mode.startsWith('verify') || (mode === 'require' && caFile !== undefined);
  return {
    host: address,
    // No address goes into SNI (RFC 6066, section 3).
    ...(isIP(address) === 0 && { servername: address }),
    rejectUnauthorized: isVerified,
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
  };
}
