import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then an agent has loaded what it needs, taken what it takes, and announced it for the last time in a row. */
const STARTED_MS = 8000;

/**
 * Keeps V8's heap as small as what is in it. The young generation would grow to 128 MiB, most of it empty, of an agent that
 * makes some garbage each second and lives for months; collecting it more often costs an agent nothing that can be measured.
 * The old one would not be collected at all before it has doubled or more.
 * Here and not on the command line, since the agent is started in many ways.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
  collectOnce();
}

/**
 * What a start leaves behind, as V8 does not know what a heap needs before it has once collected all of it, and keeps what it
 * freed unless it is told that this is its last resort; libc keeps what V8's threads freed. That takes some 60 ms, far less
 * than any deadline; after that V8 does it piece by piece.
 */
function collectOnce(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: Readonly<Record<string, string>>) => void;
  const collectAll = async (): Promise<void> => {
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    const { returnFreeMemory } = await import('../kernel/libc.ts');
    returnFreeMemory();
  };
  setTimeout(collectAll, STARTED_MS).unref();
}
