import type { Holding } from '../support/holdings.ts';
import type { Inflicted } from './inflicted.ts';
import type { Fault } from './plan.ts';
import type { Observation } from './run.ts';

/** A run of a minute with three nodes, three members, two addresses and a ttl of 6 s, of which nothing was seen. */
export function anObservation({
  plan,
  ...rest
}: Partial<Omit<Observation, 'plan'>> & { readonly plan?: Partial<Observation['plan']> }): Observation {
  return {
    plan: {
      seed: 7,
      nodes: ['db1', 'db2', 'db3'],
      members: ['etcd1', 'etcd2', 'etcd3'],
      pool: ['10.77.0.101', 'fd77::101'],
      ttlMs: 6000,
      durationMs: 60_000,
      faults: [],
      calms: [{ fromMs: 40_000, toMs: 60_000 }],
      ...plan,
    },
    startMs: 0,
    endMs: 60_000,
    inflicted: [],
    mishaps: [],
    holdings: [],
    settlements: [],
    misbehaviour: [],
    logs: {},
    noise: [],
    leftovers: [],
    loads: [],
    ...rest,
  };
}

/** @param text as `10.77.0.101: db1 0-5, db2 7-60`, in seconds; without an end where it is held still. */
export function held(text: string): Holding[] {
  const [, address = '', hosts = ''] = /^(\S+): (.*)$/.exec(text) ?? [];
  return hosts.split(', ').map((part) => {
    const [, host = '', from, to] = /^(\S+) ([\d.]+)-([\d.]*)$/.exec(part) ?? [];
    return { address, host, fromMs: Number(from) * 1000, toMs: to ? Number(to) * 1000 : undefined };
  });
}

/** A fault from second to second; at once where there is no second one. */
export function aFault(
  number: number,
  kind: Fault['kind'],
  targets: readonly string[],
  from: number,
  to?: number,
): Inflicted {
  const [beganMs, endedMs] = [from * 1000, (to ?? from) * 1000];
  const fault = { number, kind, targets, atMs: beganMs, durationMs: endedMs - beganMs, severity: 0 };
  return { fault, beganMs, endedMs, hit: targets.join(' '), inVain: undefined };
}
