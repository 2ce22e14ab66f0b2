import { endService, type Inflict, memberNamed, nodeOf, stopService } from './strike.ts';

/** Agents, databases and etcd members that are killed, stopped or ended, and come back. */
export const onServers = {
  'agent killed': (strike) => endAgent(strike, 'SIGKILL'),
  'agent stopped (SIGSTOP)': async (strike) => {
    const { agent, name } = nodeOf(strike);
    if (!agent.running) return { hit: name };
    // With its `ip` processes, as a frozen machine would, or without, as `kill -STOP` does.
    agent.signal('SIGSTOP', strike.fault.severity < 0.7 ? 'tree' : 'leader');
    return {
      hit: name,
      undo: async () => {
        if (agent.running) agent.resume();
      },
    };
  },
  'agent ended (SIGTERM)': (strike) => endAgent(strike, 'SIGTERM'),
  'agent ended with keep (SIGUSR1)': (strike) => endAgent(strike, 'SIGUSR1'),
  'database killed': (strike) => endService(nodeOf(strike).pgbouncer, 'SIGKILL'),
  'database stopped (SIGSTOP)': (strike) => stopService(nodeOf(strike).pgbouncer),
  'database ended (SIGTERM)': (strike) => endService(nodeOf(strike).pgbouncer, 'SIGTERM'),
  'member killed': (strike) => eachMember(strike, (member) => endService(member, 'SIGKILL')),
  'member stopped (SIGSTOP)': (strike) => eachMember(strike, stopService),
  'member ended (SIGTERM)': (strike) => eachMember(strike, (member) => endService(member, 'SIGTERM')),
  'quorum killed': (strike) => eachMember(strike, (member) => endService(member, 'SIGKILL')),
  'quorum stopped (SIGSTOP)': (strike) => eachMember(strike, stopService),
} as const satisfies Readonly<Record<string, Inflict>>;

async function endAgent(
  strike: Parameters<Inflict>[0],
  signal: 'SIGKILL' | 'SIGTERM' | 'SIGUSR1',
): ReturnType<Inflict> {
  const { name } = nodeOf(strike);
  await strike.agents.end(name, signal);
  return { hit: name, undo: () => strike.agents.start(name) };
}

async function eachMember(
  { lab, fault }: Parameters<Inflict>[0],
  act: (member: ReturnType<typeof memberNamed>) => ReturnType<Inflict>,
): ReturnType<Inflict> {
  const struck = await Promise.all(fault.targets.map((name) => act(memberNamed(lab, name))));
  return {
    hit: fault.targets.join(' and '),
    // Together: one of two alone has no quorum and is not ready.
    undo: async () => void (await Promise.all(struck.map(({ undo }) => undo?.()))),
  };
}
