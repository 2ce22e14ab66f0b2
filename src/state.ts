import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** What the next run on this machine needs to know of this one. */
export interface RunState {
  readonly service: string;
  readonly nodename: string;
  readonly instance: string;
  /** Its lease, or several while what it holds goes from one to another; none once they were given up. */
  readonly leaseIds: readonly string[];
  /** Kernel keys of what was put on interfaces. */
  readonly addresses: readonly string[];
}

const stored = z.object({
  boot: z.string(),
  service: z.string(),
  nodename: z.string(),
  instance: z.string(),
  leaseIds: z.array(z.string()),
  addresses: z.array(z.string()),
});

export interface StateStore {
  /** The state of the previous run of this node on this boot of this machine, or null. */
  readonly load: (service: string, nodename: string) => RunState | null;
  /** Replaces the state at once and as a whole. */
  readonly save: (state: RunState) => void;
}

/** A file in `directory` for each service and node, so that several agents of one host keep apart. */
export function stateStore(
  directory: string,
  failed: (error: Error) => void = (error) => {
    throw error;
  },
): StateStore {
  const boot = `${readOr('/etc/machine-id', 'no-machine-id')} ${readOr('/proc/sys/kernel/random/boot_id', 'no-boot-id')}`;
  const pathOf = (service: string, nodename: string): string =>
    join(directory, `${encodeURIComponent(`${service} ${nodename}`)}.json`);
  return {
    load: (service, nodename) => {
      const text = readOr(pathOf(service, nodename), '');
      if (text === '') return null;
      const parsed = stored.safeParse(tryJson(text));
      // What another boot left is no longer there: interfaces start empty.
      if (!parsed.success || parsed.data.boot !== boot) return null;
      const { boot: _, ...state } = parsed.data;
      return state.service === service && state.nodename === nodename ? state : null;
    },
    save: (state) => {
      const path = pathOf(state.service, state.nodename);
      const temporary = `${path}.new`;
      try {
        mkdirSync(directory, { recursive: true, mode: 0o755 });
        writeFileSync(temporary, JSON.stringify({ boot, ...state }), { mode: 0o600 });
        renameSync(temporary, path);
      } catch (error) {
        // A full disk is no reason to give addresses up. But a state that is older than the truth would have the next run
        // adopt a lease without knowing all that is on interfaces: none at all makes it wait for the lease's end.
        const left = [temporary, path].filter((name) => !isRemoved(name));
        const { message } = error as Error;
        const hint = `; remove ${left.join(' and ')} before the next start`;
        failed(left.length === 0 ? (error as Error) : new Error(message + hint, { cause: error }));
      }
    },
  };
}

/** A name for one run of the agent. */
export function newInstance(): string {
  return randomUUID();
}

/** Whether it is gone, now or before: on a disk that is read-only by now it stays. */
function isRemoved(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
