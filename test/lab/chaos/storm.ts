import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../support/lab.ts';
import type { Agents } from './agents.ts';
import type { Clocks } from './clocks.ts';
import { faultRules } from './fault-kinds.ts';
import { inflict } from './inflict.ts';
import { effective, type Inflicted } from './inflicted.ts';
import { thingsOf } from './occupancy.ts';
import type { Fault, Plan } from './plan.ts';
import { InVain } from './strike.ts';

export interface Storm {
  /** Everything inflicted so far, oldest first. */
  readonly inflicted: readonly Inflicted[];
  /** Faults that the lab could not inflict or take back: mistakes of the lab, or an etcd that does not start. */
  readonly mishaps: readonly string[];
  /** Inflicts faults at their times and resolves when all of them are over. */
  rage(faults: readonly Fault[]): Promise<void>;
}

export interface StormDependencies {
  readonly lab: Lab;
  readonly plan: Plan;
  readonly agents: Agents;
  readonly clocks: Clocks;
  /** The wall clock at which the plan's time 0 was. */
  readonly startMs: number;
  readonly say: (line: string) => void;
}

const afterglowMs = 1000;

export function createStorm(deps: StormDependencies): Storm {
  const { plan, startMs, say } = deps;
  const inflicted: Inflicted[] = [];
  const mishaps: string[] = [];

  const isQuiet = (node: string) => {
    const now = Date.now();
    return effective(inflicted).every(({ fault, endedMs }) => {
      const isNear = endedMs === undefined || now - endedMs < afterglowMs;
      return !isNear || !touches(fault, node);
    });
  };

  /** What has not come back yet from an earlier fault, as a member that waits for others, is not hit again. */
  const ensureFree = (fault: Fault) => {
    const things = thingsOf(fault, plan);
    const holding = effective(inflicted).find(
      (other) =>
        other.fault !== fault &&
        other.endedMs === undefined &&
        [...thingsOf(other.fault, plan)].some((thing) => things.has(thing)),
    );
    if (holding !== undefined)
      throw new InVain(`fault ${holding.fault.number} (${holding.fault.kind}) is not over yet`);
  };

  async function inflictOne(fault: Fault): Promise<void> {
    await delay(Math.max(0, startMs + fault.atMs - Date.now()));
    const index = inflicted.length;
    const note = (change: Partial<Inflicted>) => {
      const before = inflicted[index] ?? {
        fault,
        beganMs: Date.now(),
        endedMs: undefined,
        hit: '',
        inVain: undefined,
      };
      inflicted[index] = { ...before, ...change };
    };
    note({});
    try {
      ensureFree(fault);
      const { hit, undo } = await inflict[fault.kind]({ ...deps, fault, isQuiet });
      note({ hit });
      say(
        `${seconds(Date.now() - startMs)} ${fault.kind}: ${hit}${fault.durationMs > 0 ? ` for ${seconds(fault.durationMs)}` : ''}`,
      );
      if (undo === undefined) return note({ endedMs: Date.now() });
      await delay(Math.max(0, startMs + fault.atMs + fault.durationMs - Date.now()));
      await undo();
    } catch (error) {
      if (error instanceof InVain) note({ inVain: error.message });
      else
        mishaps.push(`${fault.number} ${fault.kind} ${fault.targets.join(' ')}: ${(error as Error).message}`);
    }
    note({ endedMs: Date.now() });
  }

  return { inflicted, mishaps, rage: async (faults) => void (await Promise.all(faults.map(inflictOne))) };
}

/** Whether the fault is one of the node or of etcd, and lasts longer than a moment. */
function touches({ kind, targets, durationMs }: Fault, node: string): boolean {
  const { target } = faultRules[kind];
  if (durationMs === 0) return false;
  return target === 'member' || target === 'two members' || target === 'etcd' || targets.includes(node);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
