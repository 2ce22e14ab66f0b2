import type { Journal } from '../journal.ts';
import type { Log } from '../log.ts';
import { rounded } from './rounded.ts';

/** What is told of this node as a whole. */
export function nodeJournal(log: Log, nodename: string) {
  return {
    health: ({ kind, reason, role }) => {
      if (kind === 'healthy')
        log(
          'info',
          'node_healthy',
          `the database of ${nodename} answers`,
          role === undefined ? undefined : { role },
        );
      else if (kind === 'sick')
        log('warn', 'node_unhealthy', `the database of ${nodename} is sick`, { reason });
    },
    stopping: (reason) => log('info', 'stopping', `stopping: ${reason}`, { reason }),
    suspended: (driftMs) =>
      log('warn', 'clock_jumped', 'the machine slept or its clock was set: proving the session at once', {
        drift_ms: rounded(driftMs),
      }),
    takeover: ({ address: ip, from, reason, phases }) =>
      log('debug', 'takeover', `${ip} is taken over${from === null ? '' : ` from ${from}`}`, {
        ip,
        reason,
        duration_ms: phases.announced ?? phases.added,
        phases,
      }),
    fenced: () =>
      log('error', 'fenced', 'the session was not proven in time: every address goes off until it is'),
    rebalancing: (moves) =>
      log(
        'info',
        'rebalance',
        `the load is uneven: ${nodename} gives up ${moves} address${moves === 1 ? '' : 'es'}`,
        { moves },
      ),
  } satisfies Partial<Journal>;
}
