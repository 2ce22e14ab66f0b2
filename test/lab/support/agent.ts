import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mainFile } from '../../support/yaim-command.ts';
import { type Bell, createBell, type Limit } from './bell.ts';
import { startProcess } from './lab-process.ts';
import type { NetworkHost } from './network.ts';
import { createService, type Service } from './service.ts';

/** A line of the agent's log (contract §5). */
export interface LogLine {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly event?: string;
  readonly node?: string;
  readonly ip?: string;
  readonly reason?: string;
  readonly [field: string]: unknown;
}

/** Keys of yaim.yml. */
export type AgentConfig = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface Agent extends Service {
  readonly configFile: string;
  /** Everything that all runs of this agent logged, oldest first. */
  readonly log: readonly LogLine[];
  /** What it wrote that is no JSON object: stack traces, mostly. */
  readonly noise: readonly string[];
  /** Starts with changed keys, which stay changed; undefined takes a key out. */
  startWith(changes: AgentConfig, environment?: Readonly<Record<string, string>>): Promise<void>;
  /**
   * The first matching line from `from` on, also one that was written already.
   * @param from index into `log`; take `log.length` for "from now on"
   */
  waitForLog(match: (line: LogLine) => boolean, limit: Limit & { readonly from?: number }): Promise<LogLine>;
  /** The same for a stable event, as `ip_added`. */
  waitForEvent(event: string, limit?: Partial<Limit> & { readonly from?: number }): Promise<LogLine>;
}

/** @param directory for its configuration and state; made by the caller */
export function createAgent(host: NetworkHost, directory: string, initial: AgentConfig): Agent {
  const name = `yaim of ${host.name}`;
  const configFile = join(directory, 'yaim.yml');
  const log: LogLine[] = [];
  const noise: string[] = [];
  const bell: Bell = createBell(() => describe(agent));
  let config: AgentConfig = { state_dir: join(directory, 'state'), ...initial };
  let environment: Readonly<Record<string, string>> = {};

  const service = createService(
    name,
    () => {
      // JSON is YAML.
      writeFileSync(configFile, `${JSON.stringify(config, null, 2)}\n`);
      const started = startProcess({
        name,
        namespace: host.namespace,
        command: [process.execPath, mainFile, 'run', '--config', configFile],
        directory,
        environment,
        onLine(line) {
          const parsed = parseLine(line);
          if (parsed === undefined) noise.push(line);
          else log.push(parsed);
          bell.ring();
        },
      });
      void started.exited.then(() => bell.ring());
      return started;
    },
    // An agent is up as soon as it runs: what it does next is what tests are about.
    async () => {},
  );
  const agent: Agent = Object.assign(service, {
    configFile,
    log,
    noise,
    async startWith(changes: AgentConfig, changedEnvironment: Readonly<Record<string, string>> = {}) {
      config = { ...config, ...changes };
      environment = changedEnvironment;
      await service.start();
    },
    waitForLog,
    waitForEvent,
  });

  function waitForLog(match: (line: LogLine) => boolean, limit: Limit & { readonly from?: number }) {
    const { from = 0 } = limit;
    return bell.until(() => {
      const line = log.slice(from).find(match);
      if (line === undefined && service.process.exit !== undefined) {
        throw new Error(`the process ended instead of ${limit.what}\n${describe(agent)}`);
      }
      return line;
    }, limit);
  }
  function waitForEvent(event: string, limit: Partial<Limit> & { readonly from?: number } = {}) {
    const defaults = { timeoutMs: 30_000, what: `the event ${event} of ${name}` };
    return waitForLog((line) => line.event === event, { ...defaults, ...limit });
  }
  return agent;
}

/** The state of an agent and its last lines, for the text of an error. */
export function describe(agent: Agent): string {
  const lines = agent.log.slice(-12).map((line) => {
    const { timestamp, level, event = '-', message, node: _, ...rest } = line;
    return `  ${timestamp} ${level} ${event}: ${message} ${JSON.stringify(rest)}`;
  });
  return [
    `${agent.name} ${agent.running ? 'runs' : 'does not run'}; its last lines:`,
    ...lines,
    ...agent.noise.slice(-12).map((line) => `  | ${line}`),
  ].join('\n');
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
