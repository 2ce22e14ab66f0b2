import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';

/** How one run of the command line ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is tested: the sources, or what TESTED_YAIM names, as dist/main.js in `npm test`. */
export const mainFile = resolve(process.env['TESTED_YAIM'] ?? join(import.meta.dirname, '../../src/main.ts'));

export interface YaimOptions {
  /** YAIM_ variables and others; nothing of this process but PATH is inherited. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly input?: string;
  /** What runs it: `setpriv …`. */
  readonly through?: readonly string[];
}

/** Runs `yaim …` as a process of its own; it is killed after 60 s. */
export function yaim(args: readonly string[], options: YaimOptions = {}): Promise<Ended> {
  const { environment = {}, directory = '/', input, through = [] } = options;
  const [file = '', ...rest] = [...through, process.execPath, mainFile, ...args];
  return new Promise((resolve) => {
    const settings = {
      cwd: directory,
      env: {
        PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
        ...environment,
      },
      timeout: 60_000,
      killSignal: 'SIGKILL' as const,
    };
    const child = execFile(file, rest, settings, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
