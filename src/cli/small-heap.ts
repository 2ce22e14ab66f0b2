import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation as small as it is at the start. It would grow to 128 MiB, most of it empty, of an agent that
 * makes some garbage each second and lives for months; collecting it more often costs an agent nothing that can be measured.
 * Here and not on the command line, since the agent is started in many ways.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
