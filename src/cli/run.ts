import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import {
  EMPTY,
  firstValueFrom,
  fromEvent,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeScan,
  type Observable,
  shareReplay,
  startWith,
  take,
  takeUntil,
  tap,
} from 'rxjs';
import { type AgentDependencies, agent$, type LiveOptions, type Stop } from '../agent.ts';
import { monotonicScheduler } from '../clock.ts';
import { afterInput } from '../coalesce.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import { parseKernelKey } from '../domain/kernel.ts';
import { type Keys, keysOf } from '../domain/keys.ts';
import type { Health } from '../domain/view.ts';
import type { Etcd } from '../etcd/api.ts';
import { loggedJournal } from '../journal/logged.ts';
import { together } from '../journal/together.ts';
import { type AddressSetter, addressSetter } from '../kernel/address-setter.ts';
import { notifySocket } from '../kernel/notify-socket.ts';
import { packetSocket } from '../kernel/packet-socket.ts';
import { type LocalStore, localStore } from '../local.ts';
import { createLog, type LevelledLog, type Log } from '../log.ts';
import { newInstance, type RunState, stateStore } from '../state.ts';
import { history$ } from '../streams/history.ts';
import { kernel$ } from '../streams/kernel.ts';
import { supervisorOf } from '../supervisor.ts';
import { web } from '../web/web.ts';
import { openEtcd } from './etcd.ts';
import { CommandError, EXIT } from './exit.ts';
import { lockHost } from './host-lock.ts';
import { checkOnce, observedHealth$ } from './observed-health.ts';
import { refusePatroni } from './patroni.ts';
import { reload } from './reload.ts';

/** What of the program is found by where it lies. */
export interface Program {
  readonly version: string;
  /** The directory of the status page's files. */
  readonly page: URL;
}

/** The agent in the foreground. Resolves when it stopped with every address off the interface. */
export async function run(
  { config, source, warnings }: LoadedConfig,
  load: () => LoadedConfig,
  { version, page: assets }: Program,
): Promise<void> {
  const { log, ...levels } = createLog({
    level: config.logLevel,
    format: config.logFormat,
    node: config.nodename,
  });
  for (const warning of warnings) log('warn', 'config_warning', warning);
  const scheduler = monotonicScheduler;
  // Heard from the very beginning, whatever is being waited for.
  let current = config;
  const stop$ = stopSignal$(() => current.onStop).pipe(shareReplay(1));
  const supervisor = supervisorOf({
    environment: process.env,
    pid: process.pid,
    open: notifySocket,
    scheduler,
    failed: (error) =>
      log(
        'warn',
        'supervisor_failed',
        'systemd cannot be told how this process does; its watchdog may end it',
        {
          error: String(error),
        },
      ),
  });
  stop$.subscribe(() => supervisor.stopping());
  // Unheard they would end the process, as they may before the agent runs, while etcd is waited for, and while it stops
  // (SIGUSR1 would open Node's debugger on the host's network). And a second one of those that stop would end it in the
  // middle of the first one's work.
  for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGTERM', 'SIGINT', 'SIGUSR1']) process.on(signal, () => {});
  const keys = keysOf(config.service);
  const lock = await lockHost(config);
  const store = stateStore(config.stateDir, ({ message }) =>
    log('error', 'state_failed', `${config.stateDir}: what a restart needs cannot be kept`, {
      error: message,
    }),
  );
  const previous = store.load(config.service, config.nodename);
  const instance = newInstance();
  let state: RunState = {
    service: config.service,
    nodename: config.nodename,
    instance,
    leaseIds: previous?.leaseIds ?? [],
    addresses: previous?.addresses ?? [],
  };
  const save = (change: Partial<RunState>): void => {
    state = { ...state, ...change };
    store.save(state);
  };
  const local = localStore({ recorded: state.addresses }, scheduler, (recorded) =>
    save({ addresses: [...recorded] }),
  );

  const listen = config.httpListen;
  const page =
    listen === undefined
      ? undefined
      : web({ service: config.service, node: config.nodename, listen, version, assets, scheduler, log });
  const opened = openEtcd(config);
  const etcd = page?.counted(opened) ?? opened;
  const setter = addressSetter();
  removeAddressesOnCrash(setter, local, log);
  let health: Health['kind'] = 'unknown';
  const config$ = fromEvent(process, 'SIGHUP').pipe(
    mergeScan(
      async (before) => {
        const reloaded = supervisor.reloading();
        const deps = { load, etcd, lockLabel: lock.lockLabel, health: () => health, checkOnce, log };
        const next = await reload(deps, before);
        reloaded();
        return next;
      },
      config,
      1,
    ),
    startWith(config),
    tap((next) => {
      current = next;
      levels.setLevel(next.logLevel);
    }),
    shareReplay({ bufferSize: 1, refCount: true }),
  );
  const packets = packetSocket();
  const deps: AgentDependencies = {
    etcd,
    keys,
    setter,
    kernel$: (asked) =>
      kernel$({
        ...asked,
        scheduler,
        failed: ({ message }) =>
          log('error', 'kernel_failed', 'the kernel is not followed; trying again', { error: message }),
      }),
    health$: observedHealth$(config$, page?.checked).pipe(
      tap(({ kind }) => {
        health = kind;
      }),
    ),
    live$: config$.pipe(map(liveOptions)),
    announcer: async (address, interfaceName) => packets.announce(address, interfaceName),
    local,
    scheduler,
    wallClock: () => new Date().toISOString(),
    wallClockMs: Date.now,
    soon: afterInput,
    journal: together(
      loggedJournal(log, config.nodename, () => scheduler.now()),
      page?.journal ?? {},
    ),
    allowSecondaries: (name) => promoteSecondaries(name, log),
    saveLeases: (leaseIds) => isDeepStrictEqual(leaseIds, state.leaseIds) || save({ leaseIds }),
    supervisor,
    stop$,
    watching: (view$) => page?.serve$(view$, history$({ etcd, keys, scheduler })) ?? EMPTY,
  };
  log('info', 'started', `yaim is starting on ${config.nodename}`, {
    config: source,
    service: config.service,
    pid: process.pid,
    version,
  });
  const options = {
    nodename: config.nodename,
    instance,
    ttlMs: config.ttlMs,
    retryAfterMs: () => current.retryAfterMs,
    handoverMs: () => current.handoverMs,
    ...(previous === null || previous.leaseIds.length === 0 ? {} : { previousLeases: previous.leaseIds }),
  };
  try {
    await refuseForeignService(etcd, keys, log);
    await lastValueFrom(merge(debugSwitch$(levels, log).pipe(takeUntil(stop$)), agent$(deps, options)), {
      defaultValue: undefined,
    });
  } finally {
    // Each of them would keep the process alive.
    setter.close();
    etcd.close();
    lock.close();
  }
  const { reason, keep } = await firstValueFrom(stop$);
  if (!keep) save({ addresses: [] });
  const message = keep
    ? 'lease and addresses are left to the next run'
    : 'every address is off the interface';
  log('info', 'stopped', message, { reason });
}

/** Also told in the log: by now whoever reads it believes that yaim runs. */
async function refuseForeignService(etcd: Etcd, keys: Keys, log: Log): Promise<void> {
  try {
    await refusePatroni(etcd, keys);
  } catch (error) {
    if (error instanceof CommandError) {
      log('error', 'config_invalid', 'the configuration is wrong: yaim does not start', {
        error: error.message,
      });
    }
    throw error;
  }
}

/** The first signal that ends the agent. */
function stopSignal$(onStop: () => Config['onStop']): Observable<Stop> {
  const stop$ = (reason: string, keep: () => boolean): Observable<Stop> =>
    fromEvent(process, reason).pipe(map(() => ({ reason, keep: keep() })));
  const keeps = (): boolean => onStop() === 'keep';
  return merge(
    stop$('SIGTERM', keeps),
    stop$('SIGINT', keeps),
    stop$('SIGUSR1', () => true),
  ).pipe(take(1));
}

/** SIGUSR2 turns debug lines on, and off again. */
function debugSwitch$({ level, setLevel }: Omit<LevelledLog, 'log'>, log: Log): Observable<never> {
  let usual = '';
  return fromEvent(process, 'SIGUSR2').pipe(
    tap(() => {
      const isOn = level() === 'debug';
      if (!isOn) usual = level();
      setLevel(isOn && usual !== '' ? usual : 'debug');
      log('info', 'log_level', `the log level is ${level()}`);
    }),
    ignoreElements(),
  );
}

function liveOptions(config: Config): LiveOptions {
  const { nodename, netmask, label, weight, rebalanceDelayMs } = config;
  const settings = { nodename, interface: config.interface ?? null, netmask, label, weight };
  return { settings, rebalanceDelayMs };
}

/** A crash takes the addresses off on its way out, before anything else of this process runs. */
function removeAddressesOnCrash({ removeNow }: AddressSetter, local: LocalStore, log: Log): void {
  process.on('uncaughtException', (error) => {
    const places = [...local.recorded()].map(parseKernelKey).filter((place) => place !== undefined);
    removeNow(places);
    log('error', 'crashed', 'a bug ends yaim; its addresses are off', {
      error: error.stack ?? String(error),
    });
    // Writing to a pipe or a file is synchronous on Linux: the line is out.
    process.exit(EXIT.failed);
  });
}

/** Without it the kernel takes every other address of a network off together with the network's first one. */
function promoteSecondaries(interfaceName: string, log: Log): void {
  const path = `/proc/sys/net/ipv4/conf/${interfaceName}/promote_secondaries`;
  try {
    if (readFileSync(path, 'utf8').trim() !== '1') writeFileSync(path, '1');
  } catch (error) {
    log(
      'warn',
      'kernel_failed',
      `${path} cannot be set to 1: removing one address of a network may remove others`,
      {
        interface: interfaceName,
        error: String(error),
      },
    );
  }
}
