import type { Etcd3 } from 'etcd3';
import { EtcdError } from './api.ts';
import { connect, type EtcdAccess } from './endpoint.ts';
import { etcdErrorOf, isEndpointAtFault } from './errors.ts';
import { type KeepAlives, keepAlives } from './keepalive.ts';
import { type Sockets, socketsOf } from './sockets.ts';
import { type Credentials, tokenOf } from './token.ts';

/** One endpoint in use, with what is open on it. */
export interface Connection {
  readonly endpoint: string;
  readonly etcd: Etcd3;
  readonly keepAlive: KeepAlives;
  /** Aborted, with an EtcdError as reason, when the endpoint is given up: what stands on it ends with that. */
  readonly givenUp: AbortSignal;
  /** A linearizable read was answered: if another call hangs meanwhile, it is not the endpoint's fault. */
  readonly vouch: () => void;
}

interface Slot extends Connection {
  readonly sockets: Sockets;
  readonly giveUp: AbortController;
  /** Calls under way. */
  calls: number;
  /** Reads answered. */
  reads: number;
}

export interface Connections {
  /** In order of preference; the first one is in use. */
  readonly endpoints: () => readonly string[];
  readonly at: (endpoint: string) => Connection;
  /** One call on one endpoint. */
  readonly call: <T>(
    connection: Connection,
    what: string,
    run: (connection: Connection) => Promise<T>,
  ) => Promise<T>;
  /** The EtcdError for what went wrong on a connection; gives the endpoint up if it is at fault. */
  readonly failed: (connection: Connection, what: string, error: unknown) => EtcdError;
  /** Rejects, and goes on with those of before, when etcd refuses them. */
  readonly useCredentials: (credentials: Credentials) => Promise<void>;
  /** Whether calls carry a token. */
  readonly isAuthenticated: () => boolean;
  readonly close: () => void;
}

/**
 * The endpoints in an order of preference: drawn at random, and one that fails goes to the end. What is given up is
 * given up whole, with its streams, and closed when the calls that are under way on it have ended by themselves.
 */
export function connections(access: EtcdAccess, random: () => number): Connections {
  const token = tokenOf(access);
  const slots = new Map<string, Slot>();
  let order = shuffled(access.endpoints, random);
  let isClosed = false;

  function at(endpoint: string): Slot {
    if (isClosed) throw closedError(endpoint);
    const slot = slots.get(endpoint) ?? openSlot(access, endpoint, token.value);
    slots.set(endpoint, slot);
    return slot;
  }

  function drop(slot: Slot, reason: EtcdError): void {
    slots.delete(slot.endpoint);
    slot.giveUp.abort(reason);
    if (isClosed || slot.calls === 0) closeSlot(slot);
  }

  function failed(connection: Connection, what: string, error: unknown): EtcdError {
    const { endpoint } = connection;
    const failure = etcdErrorOf(endpoint, what, error);
    const slot = slots.get(endpoint);
    if (slot !== connection || !isEndpointAtFault(failure)) return failure;
    order = [...order.filter((other) => other !== endpoint), endpoint];
    drop(slot, failure);
    return failure;
  }

  const call: Connections['call'] = async (connection, what, run) => {
    const slot = connection as Slot;
    const { reads } = slot;
    slot.calls += 1;
    try {
      return await slot.sockets.opening(() => token.used(slot.etcd, () => run(slot)));
    } catch (error) {
      throw slot.reads > reads ? etcdErrorOf(slot.endpoint, what, error) : failed(slot, what, error);
    } finally {
      slot.calls -= 1;
      if (slot.calls === 0 && slot.givenUp.aborted) closeSlot(slot);
    }
  };

  return {
    endpoints: () => order,
    at,
    call,
    failed,
    useCredentials: async (credentials) => {
      const slot = at(order[0] ?? '');
      try {
        await token.replace(slot.etcd, credentials);
      } catch (error) {
        throw etcdErrorOf(slot.endpoint, 'log in', error);
      }
    },
    isAuthenticated: () => token.value() !== undefined,
    close: () => {
      isClosed = true;
      for (const slot of [...slots.values()]) drop(slot, closedError(slot.endpoint));
    },
  };
}

function openSlot(access: EtcdAccess, endpoint: string, token: () => string | undefined): Slot {
  const etcd = connect(access, endpoint, token);
  const giveUp = new AbortController();
  const slot: Slot = {
    endpoint,
    etcd,
    giveUp,
    givenUp: giveUp.signal,
    keepAlive: keepAlives(() => etcd.leaseClient.leaseKeepAlive(), access.timeoutMs),
    sockets: socketsOf(endpoint),
    calls: 0,
    reads: 0,
    vouch: () => {
      slot.reads += 1;
    },
  };
  return slot;
}

function closeSlot({ keepAlive, etcd, sockets }: Slot): void {
  keepAlive.close();
  etcd.close();
  sockets.destroy();
}

function closedError(endpoint: string): EtcdError {
  return new EtcdError('unreachable', endpoint, 'the connection to etcd is closed');
}

function shuffled(endpoints: readonly string[], random: () => number): readonly string[] {
  return endpoints
    .map((endpoint) => ({ endpoint, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ endpoint }) => endpoint);
}
