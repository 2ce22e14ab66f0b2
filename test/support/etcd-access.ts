import type { Certificates } from './certificates.ts';

/** A user who may read and write below `prefix`, and nothing else. */
export interface EtcdUser {
  readonly name: string;
  readonly password: string;
  readonly prefix: string;
}

/** How etcdctl gets in as root once authentication is on. */
export const asRoot = ['--user', 'root:root'];

/** @param control `etcdctl …` of a server that has no users yet */
export async function enableAuthentication(
  control: (...args: readonly string[]) => Promise<unknown>,
  { name, password, prefix }: EtcdUser,
): Promise<void> {
  await control('user', 'add', 'root:root');
  await control('user', 'grant-role', 'root', 'root');
  await control('role', 'add', name);
  await control('role', 'grant-permission', name, 'readwrite', '--prefix=true', prefix);
  await control('user', 'add', `${name}:${password}`);
  await control('user', 'grant-role', name, name);
  await control('auth', 'enable');
}

/** TLS for clients: `mutual` also asks them for a certificate; with `expired` the server's is over. */
export type ServerTls = 'server' | 'mutual' | 'expired';

/** A member's arguments. */
export function serverTls(kind: ServerTls, { files }: Certificates): string[] {
  const certificate = kind === 'expired' ? files.expiredServer : files.server;
  const own = ['--cert-file', certificate, '--key-file', files.serverKey];
  return kind === 'mutual' ? [...own, '--client-cert-auth', '--trusted-ca-file', files.ca] : own;
}

/** The arguments of etcdctl. */
export function controlTls({ files }: Certificates): string[] {
  return ['--cacert', files.ca, '--cert', files.client, '--key', files.clientKey];
}
