import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificates {
  readonly ca: Buffer;
  /** Of a client, CN yaim. */
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** An authority that signed none of these. */
  readonly otherCa: Buffer;
  readonly files: Readonly<
    Record<'ca' | 'otherCa' | 'server' | 'expiredServer' | 'serverKey' | 'client' | 'clientKey', string>
  >;
}

const NEW_KEY = ['-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

/**
 * An authority, certificates of a server for 127.0.0.1 and other addresses, one of them over since yesterday, and a
 * client's.
 */
export async function makeCertificates(
  directory: string,
  others: readonly string[] = [],
): Promise<Certificates> {
  const file = (name: string) => join(directory, name);
  const names = ['DNS:localhost', ...['127.0.0.1', ...others].map((address) => `IP:${address}`)];
  await writeFile(file('names'), `subjectAltName=${names.join()}\n`);
  const authority = (name: string) =>
    run('openssl', [
      ...['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)],
    ]);
  const request = (name: string, subject: string) =>
    run('openssl', [
      ...['req', ...NEW_KEY, '-subj', subject],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.csr`)],
    ]);
  const sign = (name: string, days: number, result = name) =>
    run('openssl', [
      ...['x509', '-req', '-in', file(`${name}.csr`), '-CA', file('ca.crt'), '-CAkey', file('ca.key')],
      ...['-set_serial', `${Date.now()}`, '-days', `${days}`],
      ...['-extfile', file('names'), '-out', file(`${result}.crt`)],
    ]);
  await Promise.all([
    ...[authority('ca'), authority('other-ca')],
    ...[request('server', '/CN=127.0.0.1'), request('client', '/CN=yaim')],
  ]);
  await Promise.all([sign('server', 2), sign('server', -1, 'expired-server'), sign('client', 2)]);
  const [ca, otherCa, certificate, key] = await Promise.all(
    ['ca.crt', 'other-ca.crt', 'client.crt', 'client.key'].map((name) => readFile(file(name))),
  );
  if (!ca || !otherCa || !certificate || !key) throw new Error('certificates could not be read');
  return {
    ...{ ca, otherCa, certificate, key },
    files: {
      ca: file('ca.crt'),
      otherCa: file('other-ca.crt'),
      server: file('server.crt'),
      expiredServer: file('expired-server.crt'),
      serverKey: file('server.key'),
      client: file('client.crt'),
      clientKey: file('client.key'),
    },
  };
}
