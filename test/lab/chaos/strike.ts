import type { Lab, LabHost } from '../support/lab.ts';
import type { Service } from '../support/service.ts';
import type { Agents } from './agents.ts';
import type { Clocks } from './clocks.ts';
import type { Fault } from './plan.ts';

/** What a fault needs to be inflicted. */
export interface Strike {
  readonly lab: Lab;
  readonly fault: Fault;
  readonly agents: Agents;
  readonly clocks: Clocks;
  /** Whether nothing is wrong with a node or etcd, nor was in the last second. */
  readonly isQuiet: (node: string) => boolean;
}

/** What was hit, and the way back where there is one. */
export interface Struck {
  readonly hit: string;
  readonly undo?: () => Promise<void>;
}

export type Inflict = (strike: Strike) => Promise<Struck>;

/** The world does not allow the fault now: an expected outcome. */
export class InVain extends Error {}

export function nodeOf({ lab, fault }: Strike): LabHost {
  return lab.host(fault.targets[0] ?? '');
}

export function memberNamed(lab: Lab, name: string): Service {
  const member = lab.etcd.members.find((candidate) => candidate.name === name);
  if (member === undefined) throw new Error(`the lab has no etcd member ${name}`);
  return member;
}

/** Makes a failure of what somebody does by hand one in vain: etcd may have no quorum, an address be gone. */
export async function byHand<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { message } = error as Error;
    // etcdctl writes JSON with the reason somewhere in it.
    const [firstLine = ''] = message.split('\n');
    throw new InVain(/"error":"([^"]+)"/.exec(message)?.[1] ?? firstLine, { cause: error });
  }
}

/** Ends a server by a signal; the way back is to start it again. */
export async function endService(service: Service, signal: 'SIGKILL' | 'SIGTERM'): Promise<Struck> {
  service.signal(signal, signal === 'SIGKILL' ? 'tree' : 'leader');
  await service.exited();
  return { hit: service.name, undo: () => service.start() };
}

export async function stopService(service: Service): Promise<Struck> {
  service.pause();
  return { hit: service.name, undo: async () => void service.resume() };
}
