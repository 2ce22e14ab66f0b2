import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Agent, createAgent } from './agent.ts';
import { createPgbouncer, createPostgres, createTemplate, type Postgres } from './database.ts';
import type { LabOptions } from './lab-options.ts';
import { makeInMemory, ownDirectory } from './leftovers.ts';
import type { NetworkHost } from './network.ts';
import type { Service } from './service.ts';

export interface LabHost extends NetworkHost {
  readonly agent: Agent;
  readonly pgbouncer: Service;
  readonly postgres: Postgres | undefined;
}

/** `service` of all agents of a lab. */
export const labService = 'yaim/lab';

/** One for all labs of this process. */
let template: Promise<string> | undefined;

/** PostgreSQL and pgbouncer of a host, serving, and its agent, not started. */
export async function createLabHost(
  host: NetworkHost,
  labDirectory: string,
  endpoints: readonly string[],
  options: LabOptions,
): Promise<LabHost> {
  const directory = join(labDirectory, host.name);
  const within = (name: string) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const { agent: keys = {}, standbys = [], pgbouncer: pgbouncerOptions = {} } = options;
  const pgbouncer = await createPgbouncer(host, within('pgbouncer'), pgbouncerOptions);
  const postgres = await (options.postgres === false ? undefined : buildPostgres());
  await Promise.all([postgres?.start(), pgbouncer.start()]);
  const agent = createAgent(host, makeInMemory(join(directory, 'yaim')), {
    service: labService,
    nodename: host.name,
    etcd_endpoints: endpoints,
    pgbouncer_password: pgbouncerOptions.password,
    log_format: 'json',
    ...(typeof keys === 'function' ? keys(host.name) : keys),
  });
  return { ...host, agent, pgbouncer, postgres };

  async function buildPostgres() {
    template ??= createTemplate(join(ownDirectory(), 'template'), host.namespace);
    const standby = standbys.includes(host.name);
    return createPostgres(host, within('postgres'), await template, standby);
  }
}
