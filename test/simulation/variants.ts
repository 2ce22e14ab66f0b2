import type { Variant } from './model/host.ts';
import type { ScenarioOptions } from './scenario.ts';
import { forgotten, lateSession, unguarded } from './variants/of-etcd.ts';
import { longerAtOnce } from './variants/of-handover.ts';
import { noRead, noTerm, receiveTime } from './variants/of-proof.ts';

const DEPOSED: ScenarioOptions = {
  kinds: ['leader deposed unawares', 'agent killed', 'agent stopped', 'cut off'],
};

/** Broken off in the middle, or with a next run that does not live long. */
const HANDED_OVER: ScenarioOptions = {
  kinds: ['agent handed over', 'agent killed'],
  hosts: 3,
  addresses: 6,
  withinMs: 12_000,
  mostFaults: 16,
};

/** A mistake built into every agent, and the faults that bring it to light sooner than all kinds would. */
export interface InjectedBug {
  readonly variant: Variant;
  readonly scenarios?: ScenarioOptions;
}

/** What the simulation must find, by what the mistake is. */
export const INJECTED_BUGS: Readonly<Record<string, InjectedBug>> = {
  'the proof counts from when the answer came': {
    variant: receiveTime,
    scenarios: {
      kinds: ['slow answers', 'requests lost'],
      hosts: 2,
      ttlMs: 3000,
      withinMs: 10_000,
      mostFaults: 16,
    },
  },
  'the kernel has no lifetimes': {
    variant: (deps, { kernel }) => {
      kernel.bugs.keepsForever = true;
      return deps;
    },
  },
  'lifetimes are worked out before the kernel is free': {
    variant: (deps) => ({
      ...deps,
      setter: {
        change: (interfaces, changes) => {
          const early = changes();
          return deps.setter.change(interfaces, () => early);
        },
      },
    }),
    scenarios: {
      kinds: ['kernel hanging', 'agent killed', 'agent stopped'],
      hosts: 2,
      withinMs: 10_000,
      mostFaults: 16,
    },
  },
  'unmarked before it is removed': {
    variant: (deps, { kernel }) => {
      kernel.bugs.removesLateMs = 20;
      return deps;
    },
  },
  'an acknowledgement is believed without a read': { variant: noRead, scenarios: DEPOSED },
  'an acknowledgement of any term is believed': { variant: noTerm, scenarios: DEPOSED },
  'a lost claim counts as a failure': {
    variant: forgotten,
    scenarios: {
      kinds: ['lossy', 'answers lost', 'agent killed', 'drained', 'mark deleted'],
      withinMs: 8000,
    },
  },
  'a release is not followed through': {
    variant: (deps) => ({ ...deps, local: { ...deps.local, sendReleases: () => {} } }),
  },
  'lifetimes get longer before the guards are on the longer lease': {
    variant: longerAtOnce,
    scenarios: HANDED_OVER,
  },
  'lifetimes are not made shorter before the guards go to a shorter lease': {
    variant: (deps, { kernel }) => {
      kernel.bugs.neverShortens = true;
      return deps;
    },
    scenarios: HANDED_OVER,
  },
  'claims have no guards': { variant: unguarded },
  'no grace after a revoked lease': { variant: lateSession, scenarios: { kinds: ['lease revoked'] } },
};

/** What each fence must do alone, and the faults that ask it to. */
export const FENCES: Readonly<Record<string, InjectedBug>> = {
  'while the agent runs, its own fence is enough: no address outlasts the lease without kernel lifetimes': {
    variant: (deps, { kernel }) => {
      kernel.bugs.keepsForever = true;
      return deps;
    },
    scenarios: {
      kinds: ['cut off', 'requests lost', 'answers lost', 'lossy', 'slow answers', 'quorum lost'],
    },
  },
  'when an agent is killed or stopped, kernel lifetimes are enough, whatever else breaks in etcd': {
    variant: (deps) => deps,
    scenarios: {
      kinds: ['agent killed', 'agent stopped', 'quorum lost', 'leader deposed unawares', 'cut off'],
      withinMs: 10_000,
    },
  },
};
