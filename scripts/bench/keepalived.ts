import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverDirectory } from '../../test/lab/support/database.ts';
import type { Lab } from '../../test/lab/support/lab.ts';
import { startProcess } from '../../test/lab/support/lab-process.ts';
import type { NetworkHost } from '../../test/lab/support/network.ts';
import { createService } from '../../test/lab/support/service.ts';
import { ADDRESS, type Contestant } from './contestant.ts';

export interface KeepalivedOptions {
  readonly advertSeconds: number;
  readonly version: 2 | 3;
}

const PRIORITIES = [150, 100, 50];

/** As its users do: one instance, a master and backups by priority, a script each second that asks the database. */
export function keepalived(name: string, options: KeepalivedOptions): Contestant {
  return {
    name,
    command: 'keepalived',
    lab: { postgres: false, startAgents: false },
    async enter(lab) {
      const services = new Map(
        lab.hosts.map((host, index) => [host.name, serviceOn(lab, host, index, options)]),
      );
      const on = (host: string) => {
        const service = services.get(host);
        if (service === undefined) throw new Error(`no keepalived on ${host}`);
        return service;
      };
      await Promise.all([...services.values()].map((service) => service.start()));
      const first = lab.hosts[0]?.name ?? '';
      // The highest priority takes it back by itself, when it can.
      const settled = () =>
        lab.judge.until((judge) => judge.holders(ADDRESS).join() === first, {
          timeoutMs: 30_000,
          what: `${ADDRESS} on ${first} alone`,
        });
      await settled();
      return {
        on,
        ready: async () => void (await settled()),
        moveAway: async (host) => writeFileSync(maintenanceFile(lab, host), '1\n'),
        comeBack: async (host) => writeFileSync(maintenanceFile(lab, host), '0\n'),
      };
    },
  };
}

function maintenanceFile(lab: Lab, host: string): string {
  return join(lab.directory, `${host}.maintenance`);
}

function serviceOn(lab: Lab, host: NetworkHost, index: number, options: KeepalivedOptions) {
  const directory = join(lab.directory, `${host.name}.keepalived`);
  mkdirSync(directory);
  const file = join(directory, 'keepalived.conf');
  writeFileSync(maintenanceFile(lab, host.name), '0\n');
  writeFileSync(file, configuration(maintenanceFile(lab, host.name), host, index, options), { mode: 0o644 });
  const name = `keepalived of ${host.name}`;
  return createService(
    name,
    () =>
      startProcess({
        name,
        namespace: host.namespace,
        directory,
        command: [
          ...(['keepalived', '--dont-fork', '--log-console', '--vrrp', '--use-file', file] as const),
          ...['--pid', join(directory, 'pid'), '--vrrp_pid', join(directory, 'vrrp.pid')],
        ],
      }),
    (started) => started.waitForLine(/Entering \w+ STATE/, { timeoutMs: 10_000, what: `${name} to start` }),
  );
}

export function configuration(
  maintenance: string,
  host: Pick<NetworkHost, 'name'>,
  index: number,
  { advertSeconds, version }: KeepalivedOptions,
): string {
  return `global_defs {
  router_id ${host.name}
  script_user root
  enable_script_security
  vrrp_version ${version}
}
vrrp_script database {
  script "${join(serverDirectory(), 'pg_isready')} -q -h 127.0.0.1 -p 6432 -U postgres -d pgbouncer"
  interval 1
}
track_file maintenance {
  file "${maintenance}"
  weight 0
}
vrrp_instance pool {
  state ${index === 0 ? 'MASTER' : 'BACKUP'}
  interface eth0
  virtual_router_id 51
  priority ${PRIORITIES[index]}
  advert_int ${advertSeconds}
  virtual_ipaddress {
    ${ADDRESS}/32 dev eth0
  }
  track_script {
    database
  }
  track_file {
    maintenance
  }
}
`;
}
