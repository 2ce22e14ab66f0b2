import { deposedOf, isWhole } from '../model/link.ts';
import type { FaultKind } from '../scenario.ts';
import { type Blow, deleteByHand, putByHand, targetAddress } from './fault.ts';

/** After a lease is revoked by hand the others wait for so long. */
const GRACE_MS = 100;

/** What people do to etcd with etcdctl. */
export const byHand = {
  'mark deleted': (blow) => {
    const address = targetAddress(blow);
    if (address !== undefined) deleteByHand(blow, blow.world.keys.mark(address));
  },
  'mark stolen': (blow) => {
    const address = targetAddress(blow);
    if (address !== undefined) putByHand(blow, blow.world.keys.mark(address), blow.host.name);
  },
  'mark forged': (blow) => {
    const address = targetAddress(blow);
    if (address !== undefined) putByHand(blow, blow.world.keys.mark(address), 'nobody');
  },
  /** As an editor does it, or a copy of another etcd: what it says stays, and its lease is gone. */
  'guard overwritten': (blow) => {
    const { keys, cluster } = blow.world;
    const address = targetAddress(blow);
    const guard = address === undefined ? undefined : cluster.store.get(keys.guard(address));
    if (guard !== undefined) putByHand(blow, guard.key, guard.value);
  },
  'presence deleted': (blow) => deleteByHand(blow, blow.world.keys.node(blow.host.name)),
  'session deleted': (blow) => deleteByHand(blow, blow.world.keys.session(blow.host.name)),
  'lease revoked': (blow) => {
    const { world, host } = blow;
    const leaseId = host.leaseId();
    if (leaseId === null || !isReachable(blow) || !world.cluster.store.leases.isAlive(leaseId)) return;
    world.invariants.excuse(host.name, world.timeline.now() + GRACE_MS);
    world.cluster.store.revoke(leaseId);
  },
  'pool shrunk': (blow) => {
    const address = targetAddress(blow);
    if (address !== undefined) deleteByHand(blow, blow.world.keys.pool(address));
  },
  'pool grown': (blow) => {
    const { addresses, keys } = blow.world;
    const address = addresses[blow.fault.severity % addresses.length];
    if (address !== undefined) putByHand(blow, keys.pool(address), '');
  },
  /** Keys and values that mean nothing, and an address whose options are broken for a while. */
  'garbage written': (blow) => {
    const { keys } = blow.world;
    const garbage = [
      `${keys.prefix}ips/nonsense`,
      `${keys.prefix}ips/10.0.0.300/marked`,
      `${keys.prefix}nodes/a/b`,
    ];
    for (const key of garbage) putByHand(blow, key, '{"broken');
    const address = targetAddress(blow);
    if (address !== undefined) putByHand(blow, keys.pool(address), '{"netmask": "wide"}');
    blow.until(() => {
      for (const key of garbage) deleteByHand(blow, key);
      if (address !== undefined) putByHand(blow, keys.pool(address), '');
    });
  },
} satisfies Partial<Record<FaultKind, (blow: Blow) => void>>;

/** Whoever revokes the lease of a node that is cut off says that the node is dead: that is not done here. */
function isReachable({ world, host }: Blow): boolean {
  const { link, trouble } = host;
  const isFollowing = [...link.streams].some((stream) => stream.isUpToDate());
  const isQuick =
    link.watchLagMs === 0 && link.requestsLateMs === 0 && link.answersLateMs === 0 && link.requestLoss === 0;
  const isTalking =
    isWhole(link) && deposedOf(link, world.timeline) === undefined && world.cluster.isServing();
  const isFree = trouble.hangsUntil <= world.timeline.now() && !world.isTroubleNear();
  return host.process()?.isRunning() === true && isFollowing && isQuick && isTalking && isFree;
}
