import { join } from 'node:path';
import type { Certificates } from '../../support/certificates.ts';
import {
  asRoot,
  controlTls,
  type EtcdUser,
  enableAuthentication,
  serverTls,
} from '../../support/etcd-access.ts';
import type { EtcdVersion } from '../../support/etcd-versions.ts';
import { type CommandOptions, cleanEnvironment, run } from './command.ts';
import { type LabProcess, startProcess } from './lab-process.ts';
import type { NetworkHost } from './network.ts';
import { createService, type Service } from './service.ts';

export interface EtcdOptions {
  readonly members?: 1 | 3;
  /** More arguments for every member, as `--auth-token simple --auth-token-ttl 4`, or for each of them. */
  readonly arguments?: readonly string[] | ((index: number) => readonly string[]);
  /** Default: the one in PATH. */
  readonly version?: EtcdVersion;
  /** Authentication is on, with this user. */
  readonly user?: EtcdUser;
  /** TLS for clients, who need a certificate too. Members read their own anew for every connection. */
  readonly tls?: Certificates;
  /** How long etcdctl waits for an answer; default longer than any machine takes. Less: where none is to be expected. */
  readonly patienceSeconds?: number;
}

export interface EtcdEntry {
  readonly key: string;
  readonly value: string;
  /** Hexadecimal, as etcdctl takes it; '0' for none. */
  readonly lease: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface Etcd {
  readonly members: readonly Service[];
  /** The clients' URLs of all members. */
  readonly endpoints: readonly string[];
  /** `etcdctl …` against all members, from the host `client`; as root where there are users. */
  control(...args: readonly string[]): Promise<string>;
  put(key: string, value?: string): Promise<void>;
  /** Many keys in few transactions. */
  putAll(entries: Readonly<Record<string, string>>): Promise<void>;
  delete(key: string): Promise<void>;
  /** Undefined when there is none. */
  get(key: string): Promise<EtcdEntry | undefined>;
  getPrefix(prefix: string): Promise<EtcdEntry[]>;
  /** Calls back after every change below a prefix, until the process that it gives ends. */
  watch(prefix: string, onChange: () => void): LabProcess;
  start(): Promise<void>;
}

const clientPort = 2379;
const peerPort = 2380;

/** Real members, each with its data below `directory` and the default fsync; not started yet. */
export function createEtcd(
  hosts: readonly NetworkHost[],
  client: NetworkHost,
  directory: string,
  options: EtcdOptions,
): Etcd {
  const { server, control } = options.version ?? { server: 'etcd', control: 'etcdctl' };
  const clientUrl = (ipv4: string) => `${options.tls ? 'https' : 'http'}://${ipv4}:${clientPort}`;
  const peerUrl = ({ ipv4 }: NetworkHost) => `http://${ipv4}:${peerPort}`;
  const endpoints = hosts.map(({ ipv4 }) => clientUrl(ipv4));
  const cluster = hosts.map((host) => `${host.name}=${peerUrl(host)}`).join(',');
  let isAuthenticated = false;

  const members = hosts.map((host, index) =>
    createService(
      host.name,
      () =>
        startProcess({
          name: host.name,
          namespace: host.namespace,
          command: [
            server,
            ...['--name', host.name, '--data-dir', join(directory, host.name)],
            ...['--listen-client-urls', `${clientUrl('127.0.0.1')},${clientUrl(host.ipv4)}`],
            ...['--advertise-client-urls', clientUrl(host.ipv4)],
            ...['--listen-peer-urls', peerUrl(host), '--initial-advertise-peer-urls', peerUrl(host)],
            ...['--initial-cluster', cluster, '--initial-cluster-token', 'yaim-lab'],
            ...(options.tls === undefined ? [] : serverTls('mutual', options.tls)),
            ...argumentsOf(options, index),
          ],
        }),
      (started) =>
        started.waitForLine(/ready to serve client requests|serving client traffic/, {
          // A safety net: one that was killed may have to wait for others.
          timeoutMs: 60_000,
          what: `${host.name} to serve`,
        }),
    ),
  );

  /** How etcdctl gets in. */
  const { patienceSeconds = 20 } = options;
  const access = () => [
    ...['--endpoints', endpoints.join(',')],
    ...['--dial-timeout', `${Math.ceil(patienceSeconds / 3)}s`],
    ...(options.tls === undefined ? [] : controlTls(options.tls)),
    ...(isAuthenticated ? asRoot : []),
  ];
  const execute = (args: readonly string[], { input }: CommandOptions = {}) =>
    run(
      'ip',
      [
        ...['netns', 'exec', client.namespace, control],
        ...[...access(), '--command-timeout', `${patienceSeconds}s`, ...args],
      ],
      {
        environment: { ...cleanEnvironment(), ETCDCTL_API: '3' },
        ...(input === undefined ? {} : { input }),
      },
    );
  const getPrefix = async (...args: readonly string[]) =>
    parseEntries(await execute(['get', ...args, '-w', 'json']));

  return {
    members,
    endpoints,
    control: (...args) => execute(args),
    put: async (key, value = '') => void (await execute(['put', key, value])),
    async putAll(entries) {
      const lines = Object.entries(entries).map(([key, value]) => `put ${quote(key)} ${quote(value)}`);
      // etcd takes 128 operations a transaction.
      for (let start = 0; start < lines.length; start += 100) {
        // etcdctl reads comparisons, what to do if they hold, and what else; an empty line ends each part.
        await execute(['txn'], { input: `\n${lines.slice(start, start + 100).join('\n')}\n\n\n` });
      }
    },
    delete: async (key) => void (await execute(['del', key])),
    get: async (key) => (await getPrefix(key))[0],
    getPrefix: (prefix) => getPrefix('--prefix', prefix),
    watch: (prefix, onChange) =>
      startProcess({
        name: `watch on ${prefix}`,
        namespace: client.namespace,
        command: [control, ...access(), 'watch', '--prefix', prefix],
        environment: { ETCDCTL_API: '3' },
        onLine: onChange,
      }),
    async start() {
      await Promise.all(members.map((member) => member.start()));
      if (options.user !== undefined) await enableAuthentication((...args) => execute(args), options.user);
      isAuthenticated = options.user !== undefined;
    },
  };
}

function argumentsOf({ arguments: more = [] }: EtcdOptions, index: number): readonly string[] {
  return typeof more === 'function' ? more(index) : more;
}

function parseEntries(json: string): EtcdEntry[] {
  interface Answer {
    readonly kvs?: readonly {
      readonly key: string;
      readonly value?: string;
      readonly lease?: number;
      readonly create_revision: number;
      readonly mod_revision: number;
    }[];
  }
  // A lease id has 63 bits: more than a number of JavaScript holds exactly.
  const exact: Answer = JSON.parse(json, (key, value, ...rest: { source?: string }[]) =>
    key === 'lease' ? rest[0]?.source : value,
  );
  return (exact.kvs ?? []).map(({ key, value = '', lease = '0', create_revision, mod_revision }) => ({
    key: decode(key),
    value: decode(value),
    lease: BigInt(lease).toString(16),
    createRevision: create_revision,
    modRevision: mod_revision,
  }));
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** Quotes for the lines that `etcdctl txn` reads, which know \" and \\ as Go strings do. */
function quote(text: string): string {
  return JSON.stringify(text);
}
