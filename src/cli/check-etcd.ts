import type { Config } from '../config/config.ts';
import { type Address, parseAddress } from '../domain/address.ts';
import type { Cluster } from '../domain/cluster.ts';
import type { Keys } from '../domain/keys.ts';
import { type Condition, EtcdError, type Operation } from '../etcd/api.ts';
import { CommandError } from './exit.ts';
import type { Finding } from './finding.ts';
import { refusePatroni } from './patroni.ts';
import { count } from './text.ts';
import { type EtcdSession, readCluster, withEtcd } from './with-etcd.ts';

const SUBJECT = 'etcd';

/** Asks each endpoint for itself, then whether yaim may read and write below its service. Writes nothing. */
export async function checkEtcd(
  config: Config,
): Promise<{ readonly findings: readonly Finding[]; readonly cluster?: Cluster | undefined }> {
  const answers = await Promise.all(config.etcd.endpoints.map((endpoint) => askEndpoint(config, endpoint)));
  const working = answers.find(({ cluster }) => cluster !== undefined);
  // The agent does with one endpoint what it does with three.
  const verdict = working === undefined ? 'FAILED' : 'warning';
  const findings = answers.map(
    (answer): Finding => (answer.finding.verdict === 'ok' ? answer.finding : { ...answer.finding, verdict }),
  );
  if (working?.cluster === undefined) return { findings };
  const rights = await checkRights({ ...config, etcd: { ...config.etcd, endpoints: [working.endpoint] } });
  return { findings: [...findings, ...rights], cluster: working.cluster };
}

async function askEndpoint(config: Config, endpoint: string) {
  const alone: Config = { ...config, retryNum: 1, etcd: { ...config.etcd, endpoints: [endpoint] } };
  const startedAt = performance.now();
  try {
    const cluster = await withEtcd(alone, readCluster);
    const took = Math.max(1, Math.round(performance.now() - startedAt));
    const text = `${endpoint} answers, revision ${cluster.revision} (${took} ms)`;
    return { endpoint, cluster, finding: { subject: SUBJECT, verdict: 'ok', text } as const };
  } catch (error) {
    return { endpoint, cluster: undefined, finding: failure(error) };
  }
}

async function checkRights(config: Config): Promise<readonly Finding[]> {
  try {
    return await withEtcd(config, async (session) => {
      await refusePatroni(session.etcd, session.keys);
      await tryWriting(session, config.nodename);
      const { pool, nodes } = await readCluster(session);
      const found = `${count(pool.size, 'address', 'addresses')} in the pool, ${count(nodes.size, 'healthy node')}`;
      const text = `may read and write below ${session.keys.prefix} (${found})`;
      return [{ subject: SUBJECT, verdict: 'ok', text }];
    });
  } catch (error) {
    return [failure(error)];
  }
}

/** etcd checks the rights on all operations of a transaction, also where its conditions cannot hold. */
async function tryWriting({ etcd, keys, attempt }: EtcdSession, nodename: string): Promise<void> {
  const key = keys.session(nodename);
  const never: readonly Condition[] = [
    { key, exists: true },
    { key, exists: false },
  ];
  const operations = writtenKeys(keys, nodename).flatMap((written): readonly Operation[] => [
    { kind: 'put', key: written, value: '' },
    { kind: 'delete', key: written },
  ]);
  // etcd takes one operation on a key in a transaction.
  for (const kind of ['put', 'delete'] as const) {
    await attempt(() =>
      etcd.transact(
        never,
        operations.filter((operation) => operation.kind === kind),
      ),
    );
  }
}

/** A key of each directory that an agent writes. */
function writtenKeys(keys: Keys, nodename: string): readonly string[] {
  const address = parseAddress('192.0.2.1') as Address;
  return [keys.session(nodename), keys.node(nodename), keys.mark(address), keys.guard(address)];
}

function failure(error: unknown): Finding {
  if (!(error instanceof CommandError)) throw error;
  const isEndpoint = error.cause instanceof EtcdError && error.cause.kind !== 'refused';
  const text = `${error.message.replace(/^etcd at /, '')}${isEndpoint ? '; see etcd_endpoints' : ''}`;
  return { subject: SUBJECT, verdict: 'FAILED', text, status: error.status };
}
