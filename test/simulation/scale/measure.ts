import { type Crowd, crowdOf, type Episode } from './crowd.ts';

/** What was measured with one number of nodes, of which each has ten addresses. */
export interface Measured {
  readonly nodes: number;
  readonly addresses: number;
  /** What is in etcd when all is at rest. */
  readonly keys: number;
  readonly bytes: number;
  readonly episodes: Readonly<Record<EpisodeName, Episode>>;
  /** The longest plans where every address prefers a node. */
  readonly preferringPlanMs: Readonly<Partial<Record<EpisodeName, number>>>;
}

export const EPISODES = ['start', 'one lost', 'a tenth lost', 'a tenth back'] as const;
export type EpisodeName = (typeof EPISODES)[number];

const ADDRESSES_A_NODE = 10;

export async function measure(nodes: number): Promise<Measured> {
  const addresses = nodes * ADDRESSES_A_NODE;
  const crowd = crowdOf(addresses);
  const losses = await lose(nodes, crowd);
  const back = await restart(Math.max(1, Math.round(nodes / 10)), crowd);
  const prefers = (index: number) =>
    JSON.stringify({ prefer: `db${String(index % nodes).padStart(4, '0')}` });
  const preferring = await lose(nodes, crowdOf(addresses, prefers));
  const planMs = Object.entries(preferring.episodes).map(([name, { planMs }]) => [name, planMs]);
  return {
    nodes,
    addresses,
    ...losses,
    episodes: { ...losses.episodes, 'a tenth back': back },
    preferringPlanMs: Object.fromEntries(planMs),
  };
}

async function lose(nodes: number, crowd: Crowd) {
  crowd.start(nodes);
  const start = await settled(crowd);
  const [keys, bytes] = crowd.size();
  crowd.lose(1);
  const one = await settled(crowd);
  await restart(1, crowd);
  crowd.lose(Math.max(1, Math.round(nodes / 10)));
  const some = await settled(crowd);
  return { keys, bytes, episodes: { start, 'one lost': one, 'a tenth lost': some } };
}

async function restart(count: number, crowd: Crowd): Promise<Episode> {
  crowd.start(count);
  return settled(crowd);
}

/** Figures count only where the addresses are shared out as they should be. */
async function settled(crowd: Crowd): Promise<Episode> {
  const episode = await crowd.settle();
  const [fewest, most] = crowd.spread();
  if (most - fewest > 1) throw new Error(`uneven at rest: ${fewest} to ${most} addresses a node`);
  return episode;
}
