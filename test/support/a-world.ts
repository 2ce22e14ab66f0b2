import type { EtcdAction, KernelAction } from '../../src/domain/action.ts';
import { decide } from '../../src/domain/decide.ts';
import { kernelActions, nextEtcdAction } from '../../src/domain/decision.ts';
import { clusterOf, type Entry, entryOf, type KeyValue } from '../../src/domain/entries.ts';
import { type KernelAddress, kernelKey } from '../../src/domain/kernel.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { planOf } from '../../src/domain/planning.ts';
import type { Planned, View } from '../../src/domain/view.ts';
import { performEtcd } from '../../src/effects/perform.ts';
import type { Condition, Operation } from '../../src/etcd/api.ts';
import { aForeignAddress, anOwnAddress, aSession, aSettings, someLinks } from './a-view.ts';

/** One node with what it last saw, which may be old, and with what it has begun and not ended. */
export interface WorldNode {
  readonly name: string;
  leaseId: string | null;
  health: 'healthy' | 'sick';
  rebalance: boolean;
  readonly kernel: Map<string, KernelAddress>;
  seenKernel: ReadonlyMap<string, KernelAddress>;
  seenEtcd: Planned | null;
  readonly releasing: Map<KernelAddress['address'], number>;
  readonly recorded: Set<string>;
  kernelWork: readonly KernelAction[];
  etcdWork: EtcdAction | undefined;
}

/**
 * A world without time: an etcd and some nodes' kernels, in which every step is taken by itself, whenever the test
 * says so. Nodes decide with the real `decide` on what they last saw, and write by the real transactions.
 */
export function aWorld(names: readonly string[]) {
  const keys = keysOf('svc');
  const etcd = new Map<string, KeyValue>();
  const entries = new Map<string, Entry>();
  let planned: Planned | undefined;
  let revision = 1;
  let leases = 100;

  const put = (key: string, value: string, leaseId = '0'): void => {
    revision += 1;
    const keyValue = { key, value, leaseId, modRevision: revision };
    etcd.set(key, keyValue);
    const entry = entryOf(keys, keyValue);
    if (entry !== undefined) entries.set(key, entry);
  };
  const remove = (key: string): void => {
    revision += 1;
    etcd.delete(key);
    entries.delete(key);
  };
  const expire = (leaseId: string): void => {
    for (const [key, entry] of etcd) if (entry.leaseId === leaseId) remove(key);
  };

  const holds = (condition: Condition): boolean => {
    const found = etcd.get(condition.key);
    if ('exists' in condition) return (found !== undefined) === condition.exists;
    if ('leaseId' in condition) return found?.leaseId === condition.leaseId;
    return found?.modRevision === condition.modRevision;
  };
  const transact = async (conditions: readonly Condition[], operations: readonly Operation[]) => {
    const succeeded = conditions.every(holds);
    for (const operation of succeeded ? operations : []) {
      if (operation.kind === 'put') put(operation.key, operation.value, operation.leaseId);
      else remove(operation.key);
    }
    return { succeeded, revision, term: '1' };
  };

  const nodes = names.map((name, index): WorldNode => {
    const foreign = aForeignAddress(`10.9.9.${index}`);
    return {
      name,
      leaseId: null,
      health: 'healthy',
      rebalance: false,
      kernel: new Map([[kernelKey(foreign), foreign]]),
      seenKernel: new Map(),
      seenEtcd: null,
      releasing: new Map(),
      recorded: new Set(),
      kernelWork: [],
      etcdWork: undefined,
    };
  });

  const viewOf = (node: WorldNode): View => {
    const { health, rebalance, leaseId } = node;
    return {
      now: 0,
      settings: aSettings({ nodename: node.name }),
      planned: node.seenEtcd,
      kernel: { addresses: node.seenKernel, links: someLinks({ eth0: true, eth1: true }), routes: [] },
      health: { kind: health, reason: health === 'sick' ? 'the database is down' : '', since: null },
      session: leaseId === null ? null : aSession({ leaseId, instance: node.name }),
      rebalance,
      stopping: false,
      local: { refusals: new Map(), releasing: node.releasing, recorded: node.recorded },
    };
  };

  const write = async (node: WorldNode, action: EtcdAction) => {
    const deps = { etcd: { transact }, keys, nodename: node.name, wallClock: () => 'now' };
    return performEtcd(deps)(action);
  };

  return {
    keys,
    etcd,
    nodes,
    put,
    remove,
    expire,
    write,
    decide: (node: WorldNode) => decide(viewOf(node)),
    lookAtEtcd: (node: WorldNode): void => {
      if (planned?.cluster.revision !== revision) {
        const cluster = clusterOf(revision, entries.values());
        planned = {
          cluster,
          plan: planOf(cluster),
          withheld: new Map(),
          overdue: new Map(),
          endlessGuards: [],
        };
      }
      node.seenEtcd = planned;
    },
    lookAtKernel: (node: WorldNode): void => {
      node.seenKernel = new Map(node.kernel);
    },
    /** Begins what `decide` asks for, where nothing is under way: kernel and etcd each on their own. */
    begin: (node: WorldNode): readonly KernelAction[] => {
      const decision = { view: viewOf(node), actions: decide(viewOf(node)) };
      if (node.kernelWork.length === 0) {
        const due = kernelActions(decision);
        node.kernelWork = due.toSorted((a, b) => Number(b.kind === 'remove') - Number(a.kind === 'remove'));
        for (const action of due) if (action.kind !== 'remove') node.recorded.add(kernelKey(action));
      }
      node.etcdWork ??= nextEtcdAction(decision);
      if (node.etcdWork?.kind === 'release') {
        for (const { address, guardRevision } of node.etcdWork.releases)
          if (guardRevision !== null) node.releasing.set(address, guardRevision);
      }
      return node.kernelWork;
    },
    /** One line of `ip`. */
    stepKernel: (node: WorldNode): void => {
      const [action, ...rest] = node.kernelWork;
      node.kernelWork = rest;
      if (action === undefined) return;
      const key = kernelKey(action);
      if (action.kind === 'remove') {
        node.kernel.delete(key);
        node.recorded.delete(key);
      } else {
        node.kernel.set(key, anOwnAddress({ ...action, expiresAt: 8000 }));
      }
    },
    stepEtcd: async (node: WorldNode): Promise<void> => {
      const action = node.etcdWork;
      node.etcdWork = undefined;
      if (action === undefined) return;
      await write(node, action);
    },
    /** A lease and its session key; the one of before must be over. */
    startSession: (node: WorldNode): void => {
      leases += 1;
      node.leaseId = String(leases);
      put(keys.session(node.name), '', node.leaseId);
    },
  };
}

export type World = ReturnType<typeof aWorld>;
