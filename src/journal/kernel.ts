import { kernelKey } from '../domain/kernel.ts';
import type { Journal } from '../journal.ts';
import type { Log } from '../log.ts';
import { rounded } from './rounded.ts';

/** What is told of addresses on this host's interfaces. */
export function kernelJournal(log: Log, now: () => number) {
  const intentions = new Map<
    string,
    { readonly reason: string; readonly since: number; readonly kind: string }
  >();
  const explain = (key: string, kind: string) => {
    const intention = intentions.get(key);
    // Of what somebody else did no more is known than that; what was intended on seeing it is still to come.
    if (intention?.kind !== kind) return undefined;
    intentions.delete(key);
    return { reason: intention.reason, duration_ms: rounded(now() - intention.since) };
  };
  return {
    intend: (actions) => {
      for (const action of actions) {
        if (action.kind !== 'renew')
          intentions.set(kernelKey(action), { reason: action.reason, since: now(), kind: action.kind });
      }
    },
    ownChanged: (previous, own) => {
      for (const [key, { address: ip, interface: name }] of own) {
        if (previous.has(key)) continue;
        const why = explain(key, 'add') ?? { reason: 'it was there from an earlier run' };
        log('info', 'ip_added', `${ip} is on ${name}`, { ip, interface: name, ...why });
      }
      for (const [key, { address: ip, interface: name }] of previous) {
        if (own.has(key)) continue;
        const why = explain(key, 'remove');
        const reason = 'somebody else deleted it, or its lifetime ended';
        log(why === undefined ? 'warn' : 'info', 'ip_removed', `${ip} is off ${name}`, {
          ip,
          interface: name,
          ...(why ?? { reason }),
        });
      }
    },
    failed: ({ action: { address: ip, interface: name, kind, reason }, error }) => {
      const verb = { add: 'added to', remove: 'removed from', renew: 'renewed on' }[kind];
      log('error', 'kernel_failed', `${ip} could not be ${verb} ${name}`, {
        ip,
        interface: name,
        reason,
        error: error?.message ?? '',
      });
    },
    announced: (ip, name) =>
      log('info', 'ip_announced', `${ip} is announced on ${name}`, { ip, interface: name }),
    announceFailed: (ip, name, error) =>
      log('warn', 'announce_failed', `${ip} could not be announced on ${name}`, {
        ip,
        interface: name,
        error: String(error),
      }),
  } satisfies Partial<Journal>;
}
