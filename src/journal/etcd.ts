import type { Address } from '../domain/address.ts';
import type { Cluster } from '../domain/cluster.ts';
import { handedTo } from '../domain/handed.ts';
import type { Journal } from '../journal.ts';
import type { Log } from '../log.ts';
import { rounded } from './rounded.ts';

/** What is told of etcd: the connection, the session, what was written, and what others changed. */
export function etcdJournal(log: Log, nodename: string) {
  let lastFailure = '';
  let lastTrouble = '';
  return {
    followed: (event) => {
      if (event.kind === 'connected') {
        log('info', 'etcd_connected', `following etcd at ${event.endpoint}`, { endpoint: event.endpoint });
      } else if (event.kind === 'disconnected') {
        const { message, endpoint } = event.error;
        log('warn', 'etcd_disconnected', `lost ${endpoint}; trying again, here and elsewhere`, {
          endpoint,
          error: message,
        });
      }
    },
    session: (event) => {
      if (event.kind === 'started' || event.kind === 'proven') lastTrouble = '';
      if (event.kind === 'started') {
        const message = event.adopted
          ? `${nodename} took over what the previous run held`
          : `${nodename} has a new lease`;
        const lease = hexOf(event.session.leaseId);
        log('info', 'session_started', message, {
          lease,
          ttl_ms: event.session.ttlMs,
          adopted: event.adopted,
        });
      } else if (event.kind === 'lost') {
        log('error', 'session_lost', 'the lease is over: every address goes', { reason: event.reason });
      } else if (event.kind !== 'proven' && troubleOf(event.reason) !== lastTrouble) {
        lastTrouble = troubleOf(event.reason);
        if (event.kind === 'unproven')
          log('warn', 'session_unproven', 'the lease could not be proven; trying again', {
            reason: event.reason,
          });
        else
          log('error', 'nodename_taken', `${event.reason}; taking nothing until it ends`, {
            reason: event.reason,
          });
      }
    },
    written: (action, durationMs) => {
      lastFailure = '';
      const duration_ms = rounded(durationMs);
      if (action.kind === 'claim') {
        for (const { address: ip, reason } of action.claims)
          log('info', 'ip_marked', `${ip} is marked for ${nodename}`, { ip, reason, duration_ms });
      } else if (action.kind === 'release') {
        for (const { address: ip, reason, to } of action.releases) {
          const message = to === undefined ? `${ip} is free for others` : `${ip} is marked for ${to.node}`;
          log('info', 'ip_unmarked', message, { ip, reason, ...(to && { to: to.node }), duration_ms });
        }
        if (action.withdraw)
          log('info', 'withdrawn', `${nodename} is no longer advertised`, {
            reason: action.reason,
            duration_ms,
          });
      } else if (action.kind === 'advertise') {
        log('info', 'advertised', `${nodename} is advertised`, { reason: action.reason, duration_ms });
      } else if (action.kind === 'tidy') {
        log('info', 'ip_unmarked', `a stray ${action.what} of ${action.address} is deleted`, {
          ip: action.address,
          reason: action.reason,
        });
      }
    },
    writeFailed: ({ kind, reason }, { message, endpoint }) => {
      const failure = `${kind} ${message.replaceAll(endpoint, '')}`;
      if (failure === lastFailure) return;
      lastFailure = failure;
      log('warn', 'etcd_failed', `could not ${kind}; deciding anew`, { reason, error: message });
    },
    handedOver: ({ session, held }) =>
      log(
        'info',
        'handed_over',
        `addresses left to the next run for ${session.ttlMs / 1000} s, then to the others: ${held.size}`,
        { lease: hexOf(session.leaseId), ttl_ms: session.ttlMs, addresses: held.size },
      ),
    handoverFailed: (error) =>
      log(
        'warn',
        'handover_failed',
        'nothing is left for longer: the next run must start before lifetimes and lease end by themselves',
        { error: String(error) },
      ),
    revokeFailed: (error) =>
      log('warn', 'etcd_failed', 'the lease could not be revoked; it ends by itself', {
        error: String(error),
      }),
    recordFailed: (lost, { message }) =>
      log('warn', 'history_failed', `${lost} takeovers will be missing from the history`, { error: message }),
    clusterChanged: (previous, cluster) => {
      for (const [ip, { options }] of cluster.pool) {
        if (previous?.pool.has(ip) !== true)
          log('info', 'ip_discovered', `${ip} is in the pool`, { ip, options });
      }
      for (const ip of previous?.pool.keys() ?? []) {
        if (!cluster.pool.has(ip)) log('info', 'ip_gone', `${ip} left the pool`, { ip });
      }
      for (const { address: ip, from, reason } of handedTo(nodename, previous, cluster))
        log('info', 'ip_marked', `${ip} is marked for ${nodename}`, { ip, reason, from });
      const occupied = new Set(occupiedPool(previous).map(({ ip, owner }) => `${ip} ${owner}`));
      for (const { ip, owner } of occupiedPool(cluster)) {
        if (occupied.has(`${ip} ${owner}`)) continue;
        const message = `${ip} is in the pool, but ${owner} has it already, not from yaim: nobody takes it`;
        log('warn', 'ip_conflict', message, { ip, owner });
      }
      const known = new Set(previous?.problems.map(({ key, problem }) => `${key} ${problem}`));
      for (const { key, problem } of cluster.problems) {
        if (!known.has(`${key} ${problem}`))
          log('warn', 'key_ignored', `the etcd key ${key} is ignored: ${problem}`, { key, reason: problem });
      }
    },
  } satisfies Partial<Journal>;
}

/** As etcdctl prints it. */
function hexOf(leaseId: string): string {
  return BigInt(leaseId).toString(16);
}

/** What is wrong, at whichever member: with several that do not answer, each try names another one. */
function troubleOf(reason: string): string {
  return reason.replace(/^etcd at \S+: /, '');
}

/** Addresses of the pool that some host has by itself. */
function occupiedPool(cluster: Cluster | null): readonly { readonly ip: Address; readonly owner: string }[] {
  return [...(cluster?.sessions.values() ?? [])].flatMap(({ name: owner, occupied }) =>
    occupied.flatMap((ip) => (cluster?.pool.has(ip) ? [{ ip, owner }] : [])),
  );
}
