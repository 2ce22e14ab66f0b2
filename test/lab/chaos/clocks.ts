import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Wall clocks of single agents, which can be stepped; see wall-clock.ts. */
export interface Clocks {
  /** What an agent must be started with to have a clock of its own; nothing for the others. */
  environmentOf(node: string): Readonly<Record<string, string>>;
  /** Seconds before (less than 0) or ahead of the machine's clock. */
  set(node: string, offsetSeconds: number): void;
}

const preload = pathToFileURL(join(import.meta.dirname, 'wall-clock.ts')).href;

/** @param nodes those whose clocks will be stepped: the others' agents run as they are. */
export function createClocks(directory: string, nodes: ReadonlySet<string>): Clocks {
  const fileOf = (node: string) => join(directory, `clock-of-${node}`);
  const set = (node: string, offsetSeconds: number) => {
    // In one step: the agent may read at any moment.
    writeFileSync(`${fileOf(node)}.new`, `${offsetSeconds * 1000}`);
    renameSync(`${fileOf(node)}.new`, fileOf(node));
  };
  for (const node of nodes) set(node, 0);
  return {
    set,
    environmentOf: (node): Readonly<Record<string, string>> =>
      nodes.has(node) ? { NODE_OPTIONS: `--import ${preload}`, LAB_WALL_CLOCK: fileOf(node) } : {},
  };
}
