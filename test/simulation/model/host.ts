import { BehaviorSubject, of, Subject, type Subscription } from 'rxjs';
import { type AgentDependencies, type AgentOptions, agent$, type Stop } from '../../../src/agent.ts';
import type { Keys } from '../../../src/domain/keys.ts';
import type { Health } from '../../../src/domain/view.ts';
import type { Journal } from '../../../src/journal.ts';
import { localStore } from '../../../src/local.ts';
import { unsupervised } from '../../../src/supervisor.ts';
import type { EtcdCluster } from './etcd-cluster.ts';
import { connectionThrough } from './etcd-connection.ts';
import { type HostKernel, hostKernelOn, type KernelWitness } from './host-kernel.ts';
import { hostSetter, type KernelTrouble } from './host-setter.ts';
import { kernelSeen } from './host-view.ts';
import { type Link, linkOf } from './link.ts';
import { type ClockOptions, type Process, processOn } from './process.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** Swaps parts of an agent for wrong ones: how injected bugs are made. */
export type Variant = (deps: AgentDependencies, host: Pick<Host, 'name' | 'kernel'>) => AgentDependencies;

export interface HostOptions {
  readonly name: string;
  readonly keys: Keys;
  readonly ttlMs: number;
  readonly netmask: number | null;
  readonly weight: number;
  readonly clock: ClockOptions;
  readonly variant: Variant;
}

export interface HostWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly cluster: EtcdCluster;
  readonly witness: KernelWitness;
  readonly journal: Journal;
  readonly asked: (what: string) => void;
  readonly ended: (error: unknown) => void;
}

/** A database host with at most one agent, and what outlives the agent: kernel, network, state file, clock. */
export interface Host {
  readonly name: string;
  readonly kernel: HostKernel;
  readonly link: Link;
  readonly trouble: KernelTrouble;
  /** What the next health check finds. */
  readonly setHealth: (kind: 'healthy' | 'sick') => void;
  readonly isHealthy: () => boolean;
  /** Whether promote_secondaries can be set. */
  secondariesCanBeAllowed: boolean;
  /** An agent is not started before that. */
  startsFrom: number;
  wallClockOffsetMs: number;
  readonly process: () => Process | undefined;
  /** The lease that the agent has or had. */
  readonly leaseId: () => string | null;
  readonly start: () => void;
  readonly kill: () => void;
  readonly terminate: () => void;
  /** A stop with `keep`. */
  readonly handOver: () => void;
}

/** Longer than any lease of the agents. */
export const HANDOVER_MS = 9000;

const UNKNOWN: Health = { kind: 'unknown', reason: '', since: null };

export function hostIn(world: HostWorld, options: HostOptions): Host {
  const { timeline, witness, journal } = world;
  const random = world.random.fork(options.name);
  const state = { instance: '', leaseIds: [] as readonly string[], addresses: [] as readonly string[] };
  let run: { readonly process: Process; readonly subscription: Subscription } | undefined;
  let stop$ = new Subject<Stop>();
  let runs = 0;
  let isEnding = false;
  let isKept = false;
  let startsAfterwards = false;
  let verdict: Health = { kind: 'healthy', reason: '', since: null };
  let health$ = new BehaviorSubject<Health>(UNKNOWN);

  /** A check takes a moment, and finds what is so at its end. */
  const check = (): void => {
    timeline.after(random.between(5, 200), () => run?.process.deliver(() => health$.next(verdict)));
  };

  /** The first signal counts. */
  const end = (stop: Stop): void => {
    if (run === undefined || isEnding) return;
    isEnding = true;
    isKept = stop.keep;
    run.process.deliver(() => stop$.next(stop));
  };

  const kill = (): void => {
    const killed = run;
    run = undefined;
    killed?.process.kill();
    killed?.subscription.unsubscribe();
  };

  const start = (): void => {
    if (run !== undefined) {
      startsAfterwards = isEnding;
      return;
    }
    if (timeline.now() < host.startsFrom) {
      timeline.at(host.startsFrom, start);
      return;
    }
    runs += 1;
    const process = processOn(timeline, random.fork(`run ${runs}`), options.clock);
    const { scheduler } = process;
    const previous = { ...state };
    state.instance = `${options.name}-${runs}`;
    stop$ = new Subject();
    isKept = false;
    isEnding = false;
    startsAfterwards = false;
    health$ = new BehaviorSubject<Health>(UNKNOWN);
    const deps: AgentDependencies = {
      etcd: connectionThrough({ ...world, random: random.fork('etcd'), link: host.link, process }),
      keys: options.keys,
      setter: hostSetter(timeline, random.fork('ip'), process, host.kernel, host.trouble),
      kernel$: kernelSeen(timeline, random.fork('kernel'), process, host.kernel),
      health$,
      announcer: () => new Promise((resolve) => timeline.after(0.1, () => process.deliver(resolve))),
      local: localStore({ recorded: state.addresses }, scheduler, (recorded) => {
        state.addresses = [...recorded];
      }),
      scheduler,
      soon: process.soon,
      wallClock: () => new Date(timeline.now()).toISOString(),
      wallClockMs: () => timeline.now() + host.wallClockOffsetMs,
      journal,
      allowSecondaries: () => host.secondariesCanBeAllowed && host.kernel.allowSecondaries(true),
      saveLeases: (leaseIds) => {
        state.leaseIds = leaseIds;
      },
      supervisor: unsupervised,
      stop$,
      live$: of({
        settings: {
          nodename: options.name,
          interface: null,
          netmask: options.netmask,
          label: 'yaim',
          weight: options.weight,
        },
        rebalanceDelayMs: 1000,
      }),
    };
    const ended = (error?: unknown): void => {
      if (error === undefined && !isKept) state.addresses = [];
      kill();
      world.ended(error);
      if (startsAfterwards) start();
    };
    const subscription = agent$(options.variant(deps, host), agentOptions(options, state.instance, previous));
    run = { process, subscription: subscription.subscribe({ error: ended, complete: ended }) };
    check();
  };

  const host: Host = {
    name: options.name,
    kernel: hostKernelOn(timeline, random.fork('host'), witness),
    link: linkOf(),
    trouble: { hangsUntil: 0, failing: 0 },
    setHealth: (kind) => {
      verdict = { kind, reason: kind === 'sick' ? 'connection refused' : '', since: null };
      check();
    },
    isHealthy: () => verdict.kind === 'healthy',
    secondariesCanBeAllowed: true,
    startsFrom: 0,
    wallClockOffsetMs: 0,
    process: () => run?.process,
    leaseId: () => state.leaseIds.at(-1) ?? null,
    start,
    kill,
    terminate: () => end({ reason: 'SIGTERM', keep: false }),
    handOver: () => end({ reason: 'SIGUSR1', keep: true }),
  };
  return host;
}

function agentOptions(
  { name, ttlMs }: HostOptions,
  instance: string,
  previous: { readonly leaseIds: readonly string[] },
): AgentOptions {
  return {
    nodename: name,
    instance,
    ttlMs,
    retryAfterMs: () => 250,
    handoverMs: () => HANDOVER_MS,
    ...(previous.leaseIds.length === 0 ? {} : { previousLeases: previous.leaseIds }),
  };
}
