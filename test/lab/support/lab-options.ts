import type { AgentConfig } from './agent.ts';
import type { PgbouncerOptions } from './database.ts';
import type { EtcdOptions } from './etcd.ts';

export interface LabOptions {
  /** How many database hosts, db1 …; default 3. */
  readonly hosts?: number;
  readonly etcd?: EtcdOptions;
  /** A PostgreSQL a host (default), or none: pgbouncer's console answers without. */
  readonly postgres?: boolean;
  /** Hosts whose PostgreSQL is in recovery. */
  readonly standbys?: readonly string[];
  readonly pgbouncer?: PgbouncerOptions;
  /** Keys of every agent's yaim.yml beside those that the lab sets, or instead of them. */
  readonly agent?: AgentConfig | ((host: string) => AgentConfig);
  /** Put below `service` before the agents start; default none. See `addresses`. */
  readonly pool?: readonly string[];
  /** Default true. With false: `lab.startAgents()`, or each by itself. */
  readonly startAgents?: boolean;
  /** Who answers SIGHUP, SIGINT and SIGTERM: the lab, by ending this process (default), or the caller. */
  readonly signals?: 'lab' | 'caller';
}
