import { CommandError, EXIT } from './exit.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * A time as an operator types it, with its unit (`500ms`, `30s`, `5m`, `1h`), in milliseconds.
 * @throws CommandError with status 64
 */
export function readDuration(option: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const durationMs = Math.round(Number(number) * (UNIT_MS[unit] ?? 0));
  if (durationMs > 0) return durationMs;
  const hint = /^\d+$/.test(text) ? `, as ${text}s` : '';
  throw new CommandError(
    EXIT.usage,
    `${option} must be a time above zero with its unit (ms, s, m, h)${hint || ', such as 30s'}, got ${JSON.stringify(text)}`,
  );
}

/** `30 s`, `250 ms`. */
export function durationText(durationMs: number): string {
  return durationMs % 1000 === 0 ? `${durationMs / 1000} s` : `${durationMs} ms`;
}
