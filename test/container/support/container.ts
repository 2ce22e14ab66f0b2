import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createBell, type Limit } from '../../lab/support/bell.ts';
import { cleanEnvironment } from '../../lab/support/command.ts';
import { podmanEnvironment } from './podman.ts';

/** A container in the foreground: what it writes, and how it ends. */
export interface Container {
  readonly lines: readonly string[];
  readonly waitForLine: (pattern: RegExp, limit: Limit) => Promise<string>;
  /** Its exit status. */
  readonly ended: (limit: Limit) => Promise<number>;
}

/** `podman run`; not as other processes of the lab, since podman needs this machine's /sys. */
export function startContainer(name: string, words: readonly string[]): Container {
  const child = spawn('podman', ['run', '--rm', `--name=${name}`, ...words], {
    env: { ...cleanEnvironment(), ...podmanEnvironment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let end: { readonly status: number } | undefined;
  const bell = createBell(() => [`the last lines of the container ${name}:`, ...lines.slice(-15)].join('\n'));
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      bell.ring();
    });
  child.once('close', (code, signal) => {
    if (code === null) lines.push(`podman ended with ${signal}`);
    end = { status: code ?? -1 };
    bell.ring();
  });
  return {
    lines,
    waitForLine: (pattern, limit) =>
      bell.until(() => {
        const line = lines.find((candidate) => pattern.test(candidate));
        if (line === undefined && end !== undefined)
          throw new Error(
            `the container ${name} ended instead of ${limit.what}:\n${lines.slice(-15).join('\n')}`,
          );
        return line;
      }, limit),
    ended: async (limit) => (await bell.until(() => end, limit)).status,
  };
}
