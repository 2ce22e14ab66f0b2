import type { FaultKind } from '../scenario.ts';
import type { World } from '../world.ts';
import type { Blow } from './fault.ts';

/** By then every lease of before the restoration is over: the longest ttl, and an election. */
const GONE_MS = 9000;

/** What happens to etcd itself. */
export const onEtcd = {
  'leader changed': ({ world, strength }) => loseLeader(world, 300 + 2000 * strength, 0),
  'leader deposed unawares': ({ world, fault, strength }) =>
    loseLeader(world, 300 + 2000 * strength, fault.forMs),
  'quorum lost': ({ world, fault }) => loseLeader(world, fault.forMs, fault.forMs * 1.5),
  'history compacted': ({ world: { cluster } }) => cluster.store.compact(cluster.store.revision()),
  'older data restored': ({ world, strength, until }) => {
    const { cluster, timeline, hosts, invariants } = world;
    const restore = cluster.store.backup();
    world.trace.write('etcd', 'backed up');
    until(() => {
      restore();
      loseLeader(world, 300 + 1000 * strength, 0);
      world.trace.write('etcd', `restored to revision ${cluster.store.revision()}`);
      // An agent that has not seen the newer data cannot know: whoever restores a backup starts, or continues, none of
      // them meanwhile (docs/safety.md, limits).
      for (const host of hosts) {
        host.startsFrom = timeline.now() + GONE_MS;
        const isFollowing = [...host.link.streams].some((stream) => stream.isUpToDate());
        if (isFollowing && host.process()?.isRunning() === true) continue;
        host.kill();
        host.start();
      }
      // Every connection breaks, and what nodes believe of their leases may outlive the data.
      for (const { link } of hosts) for (const stream of [...link.streams]) stream.reset();
      invariants.excuse(null, timeline.now() + GONE_MS);
    });
  },
} satisfies Partial<Record<FaultKind, (blow: Blow) => void>>;

/** Some hosts keep talking to the old leader, which goes on acknowledging keepalives for `deposedMs`. */
function loseLeader({ cluster, timeline, hosts, random }: World, forMs: number, deposedMs: number): void {
  const term = cluster.term();
  cluster.loseLeader(forMs);
  for (const { link } of hosts) {
    if (deposedMs > 0 && random.chance(0.6)) {
      const keepAlives = random.pick([0.5, 0.9, 1]) ?? 1;
      const others = random.pick([0, 0.5]) ?? 0;
      link.deposed = { term, until: timeline.now() + deposedMs, keepAlives, others };
    }
    for (const stream of [...link.streams]) {
      if (random.chance(0.3)) stream.reset();
      else stream.stall();
    }
  }
}
