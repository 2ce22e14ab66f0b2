import assert from 'node:assert/strict';
import { filter, firstValueFrom, map, timeout } from 'rxjs';
import { CommandError } from '../../../src/cli/exit.ts';
import { monotonicScheduler } from '../../../src/clock.ts';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Cluster } from '../../../src/domain/cluster.ts';
import { keysOf } from '../../../src/domain/keys.ts';
import { etcdClient } from '../../../src/etcd/client.ts';
import { follow$ } from '../../../src/streams/cluster.ts';
import type { EtcdServer } from '../../support/etcd-server.ts';
import { type SomeAgents, someAgents } from './some-agents.ts';

/** One service in a real etcd, with agents that do their part there. */
export interface AService {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string>>;
  readonly agents: SomeAgents;
  /** Puts and deletes below the service. */
  readonly put: (path: string, value?: string, leaseId?: string) => Promise<void>;
  readonly get: (path: string) => Promise<string | undefined>;
  /** Resolves when etcd looks like that; rejects after 30 s, a safety net. */
  readonly until: (look: (cluster: Cluster) => boolean) => Promise<Cluster>;
  /** Resolves when the addresses are shared: `{ db1: '10.0.0.1 10.0.0.2' }`. */
  readonly untilHeld: (holders: Readonly<Record<string, string>>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

let services = 0;

export async function aService(
  etcd: EtcdServer,
  parts: { readonly nodes?: readonly string[]; readonly pool?: Readonly<Record<string, string>> } = {},
): Promise<AService> {
  services += 1;
  const service = `/s${services}`;
  const environment = {
    YAIM_SERVICE: service,
    YAIM_ETCD_ENDPOINTS: etcd.endpoint,
    YAIM_NODENAME: 'db1',
  };
  const { config } = loadConfig({ environment });
  const agents = someAgents(etcd.endpoint, service);
  const client = etcdClient({ endpoints: [etcd.endpoint], timeoutMs: 20_000 });
  const until = (look: (cluster: Cluster) => boolean): Promise<Cluster> =>
    firstValueFrom(
      follow$({ etcd: client, keys: keysOf(service), scheduler: monotonicScheduler }).pipe(
        filter((event) => event.kind === 'cluster'),
        map(({ cluster }) => cluster),
        filter(look),
        timeout(30_000),
      ),
    );
  const built: AService = {
    config,
    environment,
    agents,
    put: (path, value, leaseId) => etcd.put(`${service}/${path}`, value, leaseId),
    get: (path) => etcd.get(`${service}/${path}`),
    until,
    untilHeld: async (holders) => {
      await until((cluster) => {
        const held = (name: string) =>
          [...cluster.guards.values()].filter(({ holder }) => holder === name).map(({ address }) => address);
        return Object.entries(holders).every(([name, text]) => held(name).sort().join(' ') === text);
      });
    },
    stop: async () => {
      await agents.stop();
      client.close();
    },
  };
  for (const [address, value] of Object.entries(parts.pool ?? {})) await built.put(`ips/${address}`, value);
  for (const name of parts.nodes ?? []) await agents.start(name);
  return built;
}

/** That a command is refused, with this status and these words. */
export async function refusedWith(status: number, pattern: RegExp, command: Promise<unknown>): Promise<void> {
  await assert.rejects(command, (error) => {
    assert(error instanceof CommandError, String(error));
    assert.match(error.message, pattern);
    assert.equal(error.status, status);
    return true;
  });
}
