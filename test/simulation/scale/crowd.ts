import { type Address, parseAddress } from '../../../src/domain/address.ts';
import { decide } from '../../../src/domain/decide.ts';
import { nextEtcdAction } from '../../../src/domain/decision.ts';
import { keysOf } from '../../../src/domain/keys.ts';
import { nextPlanning, type Planning } from '../../../src/domain/planning.ts';
import type { View } from '../../../src/domain/view.ts';
import { performEtcd } from '../../../src/effects/perform.ts';
import { clusterMemory } from '../../../src/streams/cluster-memory.ts';
import { firstValue } from '../../../src/streams/session-proof.ts';
import { type Change, etcdStoreOn } from '../model/etcd-store.ts';
import { randomOf } from '../model/random.ts';
import { timelineOf } from '../model/timeline.ts';
import { type Member, memberOf } from './member.ts';
import { median, stopwatch } from './stopwatch.ts';
import { type Traffic, trafficOf } from './traffic.ts';

/**
 * More nodes than could run as whole agents: each decides with the real `decide` and writes the real transactions, and
 * since all that see the same revision make the same plan, it is made once for all. Time goes by in rounds: everybody
 * decides on what etcd said at its beginning, then everybody's writes arrive. That is the most that can collide.
 */
export interface Crowd {
  readonly members: readonly Member[];
  /** So many nodes start, all in one round. */
  readonly start: (count: number) => void;
  /** The hosts of so many nodes die, and their leases end, one after the other. */
  readonly lose: (count: number) => void;
  /** Rounds until there is nothing left to do; answers what it took since the last time. */
  readonly settle: () => Promise<Episode>;
  /** What is in etcd: keys and bytes. */
  readonly size: () => readonly [keys: number, bytes: number];
  /** How many addresses the nodes have, fewest and most. */
  readonly spread: () => readonly [number, number];
}

export interface Episode extends Traffic {
  readonly rounds: number;
  /** The longest time of a plan, the median of a decision on it, and of a message of the watch. */
  readonly planMs: number;
  readonly decideMs: number;
  readonly messageMs: number;
  /** Claims and releases of single addresses. */
  readonly claims: number;
  readonly releases: number;
}

const ROUND_MS = 250;
const REBALANCE_DELAY_MS = 1000;
const MOST_ROUNDS = 1000;

export function crowdOf(addresses: number, options: (index: number) => string = () => ''): Crowd {
  const keys = keysOf('service/pgbouncer');
  const store = etcdStoreOn(timelineOf(), randomOf(1));
  const memory = clusterMemory(keys);
  for (let index = 0; index < addresses; index += 1) {
    store.transact([], [{ kind: 'put', key: keys.pool(addressOf(index)), value: options(index) }]);
  }
  memory.replace({ revision: store.revision(), term: '1', keyValues: store.range(keys.prefix, 'prefix') });
  const traffic = trafficOf(store);
  let heard: Change[] = [];
  store.listen((change) => heard.push(change));
  let members: Member[] = [];
  let started = 0;
  let now = 0;
  let planning: Planning | null = null;
  let unevenSince: number | null = null;
  let [claims, releases] = [0, 0];
  const clock = stopwatch();

  const transactionsOf = (name: string) => ({
    etcd: {
      transact: async (...[conditions, operations]: Parameters<typeof store.transact>) => {
        const succeeded = store.transact(conditions, operations);
        traffic.asked(name, operations.length, succeeded);
        return { succeeded, revision: store.revision(), term: '1' };
      },
    },
    keys,
    nodename: name,
    wallClock: () => '2026-01-01T00:00:00.000Z',
  });

  const look = (): Planning => {
    now += ROUND_MS;
    for (const { events } of heard) {
      // As an agent does: each message is a new cluster, and when there is time the newest one is planned.
      clock.time('message', () => memory.apply(events) && memory.cluster());
    }
    heard = [];
    const followed = { cluster: memory.cluster(), restored: false };
    const before = planning;
    const next = () => nextPlanning(before, followed, now, { ttlMs: 6000 });
    // Three times, and the shortest counts: the others were interrupted.
    const [made] = [0, 1, 2].map((time) => clock.time(`plan ${time}`, next));
    planning = made ?? next();
    const isUneven = planning.plan.moves.some(({ kind }) => kind === 'balance');
    unevenSince = isUneven ? (unevenSince ?? now) : null;
    return planning;
  };
  const isRebalancing = (): boolean => unevenSince !== null && now - unevenSince >= REBALANCE_DELAY_MS;
  const viewOf = (member: Member): View =>
    member.view({ now, planned: planning ?? look(), rebalance: isRebalancing() });

  /** Answers whether anybody did anything. */
  const round = async (): Promise<boolean> => {
    look();
    const decided = members.map((member) => {
      const view = viewOf(member);
      return { member, view, actions: clock.time('decision', () => decide(view)) };
    });
    let isBusy = false;
    for (const { member, view, actions } of decided) {
      isBusy = member.obey(actions, now) || isBusy;
      const action = nextEtcdAction({ view, actions });
      if (action === undefined) continue;
      isBusy = true;
      member.sends(action);
      if (action.kind === 'claim') claims += action.claims.length;
      if (action.kind === 'release') releases += action.releases.length;
      await performEtcd(transactionsOf(member.name))(action);
    }
    return isBusy;
  };

  return {
    get members() {
      return members;
    },
    start: (count) => {
      for (let index = 0; index < count; index += 1) {
        const name = `db${String(started).padStart(4, '0')}`;
        started += 1;
        const leaseId = store.leases.grant(6000);
        const session = firstValue(keys.session(name), `${name}-1`, leaseId);
        const succeeded = store.transact([{ key: session.key, exists: false }], [session]);
        traffic.asked(name, 1, succeeded);
        members.push(memberOf(name, leaseId));
      }
    },
    lose: (count) => {
      // Spread over the names, so that nothing hangs on their order.
      const every = Math.floor(members.length / count);
      const lost = new Set(members.filter((_, index) => index % every === 0).slice(0, count));
      members = members.filter((member) => !lost.has(member));
      for (const { leaseId } of lost) store.revoke(leaseId);
    },
    settle: async () => {
      let rounds = 0;
      for (; rounds < MOST_ROUNDS; rounds += 1) {
        const wasBusy = await round();
        if (!wasBusy && planning?.plan.moves.length === 0 && heard.length === 0) break;
      }
      if (rounds === MOST_ROUNDS) throw new Error(`still not at rest after ${rounds} rounds`);
      const episode = {
        ...traffic.read(),
        ...{ rounds, claims, releases },
        planMs: Math.max(...shortest([0, 1, 2].map((time) => clock.of(`plan ${time}`)))),
        decideMs: median(clock.of('decision')),
        messageMs: median(clock.of('message')),
      };
      traffic.reset();
      clock.reset();
      [claims, releases] = [0, 0];
      return episode;
    },
    size: () => {
      const keyValues = store.range(keys.prefix, 'prefix');
      return [
        keyValues.length,
        keyValues.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
      ];
    },
    spread: () => {
      const counts = [...(planning ?? look()).plan.result.values()].map(({ length }) => length);
      return [Math.min(...counts), Math.max(...counts)];
    },
  };
}

export function addressOf(index: number): Address {
  const address = parseAddress(`10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`);
  if (address === undefined) throw new Error(`there is no address number ${index}`);
  return address;
}

function shortest([first = [], ...others]: readonly (readonly number[])[]): readonly number[] {
  return first.map((time, index) => Math.min(time, ...others.map((times) => times[index] ?? time)));
}
