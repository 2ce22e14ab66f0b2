import { CommanderError } from 'commander';
import { ConfigError } from '../config/problem.ts';
import { CommandError, EXIT } from './exit.ts';

/**
 * Tells why a command ended, and gives its exit status. What is nobody's expected error is a bug: it is thrown again,
 * for its stack.
 */
export function endWith(error: unknown): number {
  // Commander has told by itself, and asking for help is no wrong usage.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof ConfigError) {
    console.error(error.message);
    return EXIT.config;
  }
  if (error instanceof CommandError) {
    console.error(`yaim: ${error.message}`);
    return error.status;
  }
  throw error;
}

/**
 * A reader that has seen enough (`| head`) is no error and ends the command; from `stop` on it does not even do that: an
 * error of stdout that nobody listens to would end the process.
 */
export function endQuietlyWithoutReader(): { readonly stop: () => void } {
  const end = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  };
  process.stdout.on('error', end);
  return {
    stop: () => {
      process.stdout.off('error', end).on('error', () => {});
    },
  };
}
