import type { Lab } from '../support/lab.ts';
import type { Exit } from '../support/lab-process.ts';

export interface Agents {
  start(node: string): Promise<void>;
  /** Ends an agent; resolves when it has ended. */
  end(node: string, signal: 'SIGKILL' | 'SIGTERM' | 'SIGUSR1'): Promise<void>;
  /** Agents that ended without being told to, or otherwise than they should; oldest first. */
  readonly misbehaviour: readonly string[];
}

/** Safety nets. */
const longestStartMs = 60_000;
const longestStopMs = 30_000;

/** Starts and ends agents, and knows of each end whether it was wanted. */
export function createAgents(
  lab: Lab,
  environmentOf: (node: string) => Readonly<Record<string, string>>,
): Agents {
  const misbehaviour: string[] = [];
  const complain = (node: string, text: string) =>
    misbehaviour.push(`${new Date().toISOString()} ${node}: ${text}`);
  const wanted = new Set<number>();
  const started = new Map<string, Promise<unknown>>();

  return {
    misbehaviour,
    async start(node) {
      const { agent } = lab.host(node);
      const from = agent.log.length;
      await agent.startWith({}, environmentOf(node));
      started.set(
        node,
        agent.waitForEvent('started', { from, timeoutMs: longestStartMs }).catch(() => {}),
      );
      const { pid, exited } = agent.process;
      void exited.then((exit) => {
        if (!wanted.has(pid)) complain(node, `the agent ended by itself with ${text(exit)}`);
      });
    },
    async end(node, signal) {
      const { agent } = lab.host(node);
      // Ended by itself: that is complained about already, and it is started again all the same.
      if (!agent.running) return;
      // Node itself answers signals until the program listens: SIGTERM ends it, SIGUSR1 opens its debugger.
      if (signal !== 'SIGKILL') await started.get(node);
      if (!agent.running) return;
      wanted.add(agent.process.pid);
      agent.signal(signal, signal === 'SIGKILL' ? 'tree' : 'leader');
      try {
        const exit = await agent.exited(longestStopMs);
        if (signal !== 'SIGKILL' && exit.code !== 0) complain(node, `${signal} ended it with ${text(exit)}`);
      } catch {
        complain(node, `${signal} did not end it in ${longestStopMs} ms`);
        agent.kill();
        await agent.exited();
      }
    },
  };
}

function text({ code, signal }: Exit): string {
  return signal ?? `status ${code}`;
}
