import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  auditTime,
  connect,
  distinctUntilChanged,
  EMPTY,
  filter,
  map,
  merge,
  Observable,
  retry,
  type SchedulerLike,
  scan,
  timer,
} from 'rxjs';
import type { Kernel, KernelEvent } from '../domain/kernel.ts';
import { applyEvents, type KernelTable, kernelTable } from '../domain/kernel-table.ts';
import { monitorReader, parseAddressList, parseRouteList } from '../kernel/ip-output.ts';
import { gatherRenewals, type Seen } from './gather-renewals.ts';
import { onDemand } from './on-demand.ts';

const execute = promisify(execFile);

/** An address takes some 150 bytes of JSON, a route 100; a host may have tens of thousands. */
const MOST_OUTPUT_BYTES = 256 * 1024 * 1024;
const LISTING_MS = 10_000;

const run = (command: string, args: readonly string[]) =>
  execute(command, args, { maxBuffer: MOST_OUTPUT_BYTES, timeout: LISTING_MS, killSignal: 'SIGKILL' });

export interface KernelDependencies {
  readonly scheduler: SchedulerLike;
  readonly command?: string;
  /** A monitor that ended, or a listing that failed; it is started anew. */
  readonly failed: (error: Error) => void;
  /** Asks for a listing beside the regular ones. */
  readonly relist$: Observable<void>;
  /** What `ip` answered: as good as the kernel's own event, and here before it. */
  readonly answered$?: Observable<readonly KernelEvent[]>;
}

/** Listing anew heals what was missed: the kernel drops messages for a reader that is too slow. */
const RELIST_MS = 60_000;
const RESTART_MS = 200;
const GATHER_MS = 50;

/**
 * Addresses, links and routes of this host, live, from one `ip monitor`: listed once the monitor listens, then
 * followed event by event. Events that come during a listing are applied again on top of it, in order.
 */
export function kernel$(deps: KernelDependencies): Observable<Kernel> {
  const { scheduler, command = 'ip', failed, relist$, answered$ = EMPTY } = deps;
  return monitor$(command, scheduler).pipe(
    connect((monitored$) => {
      const told$ = monitored$.pipe(filter((batch) => batch !== 'listening'));
      const events$ = merge(told$, answered$);
      const isUnlisted = linkNews();
      const changed$ = events$.pipe(
        filter(
          (events) =>
            events.filter((event) => event.kind === 'routes-changed' || isUnlisted(event)).length > 0,
        ),
      );
      const asked$ = merge(relist$, changed$, timer(RELIST_MS, RELIST_MS, scheduler));
      // One for a burst of reasons, and always one after the last of them.
      const due$ = merge(
        monitored$.pipe(filter((batch) => batch === 'listening')),
        asked$.pipe(auditTime(GATHER_MS, scheduler)),
      );
      const listings$ = onDemand(due$, listed$(command, scheduler, events$));
      return merge(listings$, events$).pipe(
        scan((seen: (Seen & { readonly table: KernelTable }) | null, input) => {
          if (!Array.isArray(input)) return { table: kernelTable(input as Kernel), isNews: true };
          return seen && { table: seen.table, isNews: seen.table.apply(input as readonly KernelEvent[]) };
        }, null),
        filter((seen) => seen !== null),
        gatherRenewals(scheduler),
        map(({ table }) => table.snapshot()),
        distinctUntilChanged(),
      );
    }),
    retry({
      delay: (error: Error) => {
        // A bug is no reason to try again.
        if (!(error instanceof KernelError)) throw error;
        failed(error);
        return timer(RESTART_MS, scheduler);
      },
    }),
  );
}

/** A link that was renamed is two in what events tell, and its addresses stay under its old name: a listing puts it right. */
function linkNews(): (event: KernelEvent) => boolean {
  const names = new Map<number, string>();
  return (event) => {
    if (event.kind !== 'link') return event.kind === 'link-gone';
    const { index, name } = event.link;
    const isNews = names.get(index) !== name;
    names.set(index, name);
    return isNews;
  };
}

/** `ip` did not do what it was started for. */
class KernelError extends Error {}

/** A listing, with what happened while it was made applied on top. */
function listed$(
  command: string,
  scheduler: SchedulerLike,
  events$: Observable<readonly KernelEvent[]>,
): Observable<Kernel> {
  return new Observable((subscriber) => {
    const meanwhile: KernelEvent[] = [];
    const listening = events$.subscribe((events) => meanwhile.push(...events));
    listKernel(command, scheduler).then(
      (kernel) => {
        subscriber.next(applyEvents(kernel, meanwhile));
        subscriber.complete();
      },
      (error: Error) => subscriber.error(new KernelError(`${command}: ${error.message}`, { cause: error })),
    );
    return listening;
  });
}

/** The lines of `ip monitor` as events, one batch for each read; "listening" when the kernel tells it everything. */
function monitor$(
  command: string,
  scheduler: SchedulerLike,
): Observable<readonly KernelEvent[] | 'listening'> {
  return new Observable((subscriber) => {
    const args = ['-oneline', 'monitor', 'address', 'link', 'route'];
    // A group of its own, so that a stop signal to the agent's group does not end it before the stop is done.
    const monitor = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (): void => {
      monitor.kill('SIGKILL');
    };
    // A crash unsubscribes from nothing.
    process.once('exit', end);
    const read = monitorReader();
    let buffer = '';
    let complaint = '';
    monitor.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = `${buffer}${chunk}`.split('\n');
      buffer = lines.pop() ?? '';
      const now = scheduler.now();
      const events = lines.map((line) => read(line, now)).filter((event) => event !== undefined);
      if (events.length > 0) subscriber.next(events);
    });
    monitor.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      complaint += chunk;
    });
    monitor.on('error', (error) => subscriber.error(new KernelError(`${command}: ${error.message}`)));
    // Not at its exit: what it said last may not have been read by then.
    monitor.on('close', (code, signal) => {
      subscriber.error(new KernelError(`${command} monitor ended (${signal ?? code}): ${complaint.trim()}`));
    });
    untilListening(monitor.pid).then(
      () => subscriber.next('listening'),
      (error: unknown) => subscriber.error(error),
    );
    return () => {
      monitor.removeAllListeners('close');
      process.off('exit', end);
      end();
    };
  });
}

/** A fresh listing of everything, besides the monitor. */
export async function listKernel(command: string, scheduler: SchedulerLike): Promise<Kernel> {
  const [addresses, routes] = await Promise.all([
    run(command, ['-json', 'address', 'show']),
    listRoutes(command),
  ]);
  return { ...parseAddressList(addresses.stdout, scheduler.now()), routes };
}

async function listRoutes(command: string): Promise<Kernel['routes']> {
  const [four, six] = await Promise.all([
    run(command, ['-json', '-4', 'route', 'show']),
    run(command, ['-json', '-6', 'route', 'show']),
  ]);
  return [...parseRouteList(four.stdout, 4), ...parseRouteList(six.stdout, 6)];
}

/** Waits until the monitor's netlink socket is subscribed to groups: what happens before that, nobody tells it. */
async function untilListening(pid: number | undefined): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const sockets = await readFile('/proc/net/netlink', 'utf8');
    const isListening = sockets.split('\n').some((line) => {
      const [, , portId, groups] = line.trim().split(/\s+/);
      return portId === String(pid) && groups !== '00000000';
    });
    if (isListening) return;
    await delay(5);
  }
  // It may listen under another port id (several PID namespaces on one network): the next listing heals what it missed.
}
