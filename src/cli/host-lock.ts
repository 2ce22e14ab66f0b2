import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import type { Config } from '../config/config.ts';
import { CommandError, EXIT } from './exit.ts';

/** What the agent says to whoever connects to its lock: that its event loop turns. */
export const ALIVE = 'alive\n';

/** The socket of the agent for a service and node. */
export function lockName({ service, nodename }: Pick<Config, 'service' | 'nodename'>): string {
  return socketName(`yaim ${service} ${nodename}`);
}

/** What this agent has to itself on its host. */
export interface HostLock {
  /** For a label that the configuration names later on; those of before stay, as addresses with them may. */
  readonly lockLabel: (label: string) => Promise<void>;
  readonly close: () => void;
}

/**
 * One agent for a service and node on one network, and one for a label, by which an agent knows its IPv4 addresses: two
 * would take each other's off, for ever. An abstract socket belongs to the network namespace, as the addresses do, and is
 * gone with its process however that ends.
 */
export async function lockHost({ service, nodename, label }: Config): Promise<HostLock> {
  const servers: Server[] = [];
  const labels = new Set<string>();
  const close = (): void => {
    for (const server of servers) server.close();
  };
  const take = async (name: string, status: number, refusal: string): Promise<void> => {
    servers.push(await lock(name, new CommandError(status, refusal)));
  };
  const lockLabel = async (wanted: string): Promise<void> => {
    if (labels.has(wanted)) return;
    const refusal = `another yaim on this host has the label "${wanted}", and each would take the other's addresses for its own: set another label for one of them`;
    await take(socketName(`yaim-label ${wanted}`), EXIT.config, refusal);
    labels.add(wanted);
  };
  const running = `another yaim for ${service} and node ${nodename} runs on this host: stop it first`;
  await take(lockName({ service, nodename }), EXIT.failed, running);
  try {
    await lockLabel(label);
  } catch (error) {
    close();
    throw error;
  }
  return { lockLabel, close };
}

async function lock(name: string, refusal: CommandError): Promise<Server> {
  const server = createServer((socket) => {
    // Who asks and does not wait for the answer is nobody's problem.
    socket.on('error', () => socket.destroy());
    socket.end(ALIVE);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(name, resolve);
    });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? refusal : error;
  }
  server.unref();
  return server;
}

/** An abstract socket (unix(7)), whose name has 108 bytes: a longer one stands for itself by its hash. */
function socketName(name: string): string {
  const isShort = Buffer.byteLength(name) <= 100;
  return `\0${isShort ? name : `yaim ${createHash('sha256').update(name).digest('hex')}`}`;
}
