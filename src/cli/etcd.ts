import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { type EtcdClient, etcdClient } from '../etcd/client.ts';
import type { EtcdAccess } from '../etcd/endpoint.ts';
import { CommandError, EXIT } from './exit.ts';

/** How long one call to etcd may take, ms. */
const CALL_MS = 1000;

/** A client for the configured cluster. Nothing is connected yet. */
export function openEtcd({ etcd }: Config): EtcdClient {
  const { endpoints, user, password } = etcd;
  return etcdClient({
    endpoints,
    timeoutMs: CALL_MS,
    ...(user === undefined ? {} : { user, password: password ?? '' }),
    ...readEtcdFiles(etcd),
  });
}

/** The contents of the files that the configuration names for TLS with etcd. */
export function readEtcdFiles({
  caFile,
  certFile,
  keyFile,
}: Config['etcd']): Pick<EtcdAccess, 'ca' | 'certificate' | 'key'> {
  return {
    ...(caFile === undefined ? {} : { ca: read('etcd_ca_file', caFile) }),
    ...(certFile === undefined ? {} : { certificate: read('etcd_cert_file', certFile) }),
    ...(keyFile === undefined ? {} : { key: read('etcd_key_file', keyFile) }),
  };
}

function read(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError(EXIT.config, `${key}: ${path} cannot be read: ${(error as Error).message}`);
  }
}
