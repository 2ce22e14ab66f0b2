import type { ActionOf, MarkDependencies, Written } from './mark.ts';

/** Writes this node's presence on its lease, if the lease's session is still there. */
export function advertise({ etcd, keys, nodename }: MarkDependencies) {
  return async ({ text, leaseId }: ActionOf<'advertise'>): Promise<readonly Written[]> => [
    await etcd.transact(
      [{ key: keys.session(nodename), leaseId }],
      [{ kind: 'put', key: keys.node(nodename), value: text, leaseId }],
    ),
  ];
}

/** Writes what this node tells about itself, healthy or not, beside its lease's proof. */
export function publish({ etcd, keys, nodename }: MarkDependencies) {
  return async ({ text, leaseId }: ActionOf<'publish'>): Promise<readonly Written[]> => [
    await etcd.transact(
      [{ key: keys.session(nodename), leaseId }],
      [{ kind: 'put', key: keys.session(nodename), value: text, leaseId }],
    ),
  ];
}
