import type { Journal } from '../../src/journal.ts';

/** What happened, for people: kept only where somebody will read it. */
export interface Trace {
  readonly isOn: boolean;
  readonly clock: (now: () => number) => void;
  readonly write: (who: string, text: string) => void;
  readonly lines: readonly string[];
}

const MOST_LINES = 20_000;

export function traceOf(isOn: boolean): Trace {
  const lines: string[] = [];
  let now = (): number => 0;
  return {
    isOn,
    lines,
    clock: (clock) => {
      now = clock;
    },
    write: (who, text) => {
      if (isOn && lines.length < MOST_LINES)
        lines.push(`${now().toFixed(2).padStart(10)} ${who.padEnd(5)} ${text}`);
    },
  };
}

/** What an agent would tell people, in the trace. */
export function tracingJournal(trace: Trace, name: string): Journal {
  const write = (text: string): void => trace.write(name, text);
  const quiet = (): void => {};
  return {
    followed: (event) => {
      if (event.kind === 'disconnected') write(`etcd lost: ${event.error.message}`);
      else if (event.kind === 'connected') write('etcd followed');
      else if (event.restored) write('etcd came back with older data');
    },
    session: (event) => {
      if (event.kind === 'started' || event.kind === 'proven') {
        const { leaseId, provenUntil } = event.session;
        write(`session ${event.kind}, lease ${leaseId}, until ${provenUntil.toFixed(0)} of its clock`);
      } else write(`session ${event.kind}: ${event.reason}`);
    },
    health: ({ kind }) => write(`database ${kind}`),
    stopping: (reason) => write(`stopping: ${reason}`),
    handedOver: ({ session, held }) => write(`handed over: ${held.size} on lease ${session.leaseId}`),
    handoverFailed: (error) => write(`handing over failed: ${String(error)}`),
    intend: (actions) => {
      if (!trace.isOn) return;
      for (const { kind, address, reason } of actions)
        if (kind !== 'renew') write(`kernel: ${kind} ${address}: ${reason}`);
    },
    failed: ({ action, error }) =>
      write(`kernel: ${action.kind} ${action.address} failed: ${error?.message}`),
    written: (action, durationMs) =>
      write(`${action.kind} done in ${durationMs.toFixed(0)} ms: ${action.reason}`),
    writeFailed: ({ kind }, { message }) => write(`${kind} failed: ${message}`),
    revokeFailed: (error) => write(`revoke failed: ${String(error)}`),
    announced: quiet,
    announceFailed: quiet,
    takeover: quiet,
    recordFailed: quiet,
    clusterChanged: quiet,
    ownChanged: quiet,
    suspended: (driftMs) => write(`clock jumped by ${driftMs.toFixed(0)} ms`),
    fenced: () => write('fenced'),
    rebalancing: (moves) => write(`gives up ${moves} for the balance`),
  };
}
