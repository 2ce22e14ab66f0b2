import { styleText } from 'node:util';
import winston from 'winston';

/** The stable events of contract and documentation; `docs/logs.md` explains each. */
export type LogEvent =
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'handed_over'
  | 'handover_failed'
  | 'supervisor_failed'
  | 'config_reloaded'
  | 'config_unchanged'
  | 'log_level'
  | 'crashed'
  | 'config_invalid'
  | 'config_warning'
  | 'node_healthy'
  | 'node_unhealthy'
  | 'advertised'
  | 'withdrawn'
  | 'ip_discovered'
  | 'ip_gone'
  | 'ip_marked'
  | 'ip_unmarked'
  | 'ip_added'
  | 'ip_removed'
  | 'ip_announced'
  | 'ip_conflict'
  | 'key_ignored'
  | 'rebalance'
  | 'session_started'
  | 'session_lost'
  | 'session_unproven'
  | 'nodename_taken'
  | 'fenced'
  | 'clock_jumped'
  | 'etcd_connected'
  | 'etcd_disconnected'
  | 'etcd_failed'
  | 'kernel_failed'
  | 'state_failed'
  | 'announce_failed'
  | 'takeover'
  | 'history_failed'
  | 'http_listening'
  | 'http_failed';

export interface LogFields {
  readonly ip?: string;
  readonly interface?: string;
  readonly reason?: string;
  readonly duration_ms?: number;
  readonly error?: string;
  readonly [field: string]: unknown;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export type Log = (level: LogLevel, event: LogEvent, message: string, fields?: LogFields) => void;

export interface LogOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty' | 'auto';
  readonly node: string;
}

/** A log whose level may change while it is written. */
export interface LevelledLog {
  readonly log: Log;
  readonly level: () => string;
  readonly setLevel: (level: string) => void;
}

/** One JSON object a line on stdout, or lines for a person where that is a terminal. */
export function createLog({ level, format, node }: LogOptions): LevelledLog {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true);
  const logger = winston.createLogger({
    level,
    format: isPretty ? pretty() : json(),
    // Level names before fields: winston's own fields cannot be overwritten by ours.
    defaultMeta: { node },
    transports: [new winston.transports.Console({ stderrLevels: [] })],
  });
  return {
    log: (entryLevel, event, message, fields = {}) => {
      logger.log({ ...fields, level: entryLevel, message, event });
    },
    level: () => logger.level,
    setLevel: (newLevel) => {
      logger.level = newLevel;
    },
  };
}

function json(): winston.Logform.Format {
  return winston.format.combine(
    winston.format.timestamp(),
    winston.format.printf(({ timestamp, level, message, event, node, ...rest }) =>
      JSON.stringify({ timestamp, level, message, event, node, ...rest }),
    ),
  );
}

const PAINT = { error: 'red', warn: 'yellow', info: 'green', debug: 'dim' } as const;

/** `12:34:56.789 info  ip_added          10.0.0.7 is on eth0  this node holds the mark, 1.2 ms`. */
function pretty(): winston.Logform.Format {
  return winston.format.combine(
    winston.format.timestamp({ format: 'HH:mm:ss.SSS' }),
    winston.format.printf(({ timestamp, level, message, event, reason, error, duration_ms: took }) => {
      const name = level.padEnd(5);
      const paint = PAINT[level as LogLevel];
      const why = [reason, error].filter((text) => text !== undefined).map(String);
      const tail = [...why, ...(typeof took === 'number' ? [`${took.toFixed(1)} ms`] : [])].join(', ');
      const line = `${styleText('dim', String(timestamp))} ${styleText(paint, name)} ${styleText('dim', String(event).padEnd(17))} `;
      const text =
        level === 'error' || level === 'warn' ? styleText(paint, String(message)) : String(message);
      return `${line}${text}${tail === '' ? '' : `  ${styleText('dim', tail)}`}`;
    }),
  );
}
