import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { after, afterEach, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  filter,
  firstValueFrom,
  map,
  NEVER,
  type Observable,
  ReplaySubject,
  Subject,
  take,
  tap,
  toArray,
} from 'rxjs';
import { monotonicScheduler } from '../../src/clock.ts';
import type { Kernel, KernelEvent } from '../../src/domain/kernel.ts';
import { SystemError } from '../../src/kernel/libc.ts';
import type { NetlinkSocket } from '../../src/kernel/netlink.ts';
import { kernel$ } from '../../src/streams/kernel.ts';
import { aNamespace, type Namespace, noNamespaces } from '../support/a-namespace.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const SAFETY_NET = { timeout: 60_000 };

suite('the kernel, followed', { skip: noNamespaces }, () => {
  let namespace: Namespace;

  before(() => {
    namespace = aNamespace();
    namespace.ip('link add eth0 type veth peer name eth1');
    for (const name of ['eth0', 'eth1']) namespace.ip(`link set ${name} up`);
  });
  after(() => namespace.remove());
  afterEach(() => namespace.ip('address flush dev eth0'));

  const add = (...addresses: readonly string[]) => {
    for (const each of addresses) namespace.ip(`address add ${each}/32 dev eth0`);
  };
  const remove = (address: string) => namespace.ip(`address delete ${address}/32 dev eth0`);

  interface Trouble {
    readonly relist$?: Observable<void>;
    readonly answered$?: Observable<readonly KernelEvent[]>;
    readonly failed?: (error: Error) => void;
    /** Changes the socket that hears of changes, or the one that a listing asks. */
    readonly hearing?: (socket: NetlinkSocket) => NetlinkSocket;
    readonly asking?: (socket: NetlinkSocket) => NetlinkSocket;
    /** Of the former. */
    readonly bufferBytes?: number;
  }

  /** Too small for what a few addresses bring. */
  const SMALL_BUFFER = 4096;

  const same = (socket: NetlinkSocket): NetlinkSocket => socket;

  function followed({ relist$ = NEVER, failed = assert.fail, ...trouble }: Trouble = {}) {
    const { hearing = same, asking = same, answered$, bufferBytes } = trouble;
    return kernel$({
      scheduler: monotonicScheduler,
      open: (groups = 0) =>
        groups === 0 ? asking(namespace.open()) : hearing(namespace.open(groups, bufferBytes)),
      relist$,
      failed,
      ...(answered$ && { answered$ }),
    });
  }

  /** Those of eth0. */
  function addressesOf({ addresses }: Kernel): readonly string[] {
    return [...addresses.values()]
      .filter(({ interface: name, address }) => name === 'eth0' && !address.startsWith('fe80:'))
      .map(({ address }) => address)
      .sort();
  }

  /** Hears nothing of what the kernel tells. */
  const deaf = (socket: NetlinkSocket): NetlinkSocket => ({
    ...socket,
    receiveNow: () => {
      while (socket.receiveNow() !== undefined);
      return undefined;
    },
  });

  /** Does this while it is listed: what was read by then is older, what is told of it comes before the listing ends. */
  const meanwhile =
    (run: () => Promise<void>) =>
    (socket: NetlinkSocket): NetlinkSocket => ({
      ...socket,
      receive: async () => {
        const messages = await socket.receive();
        await run();
        return messages;
      },
    });

  test('has what happens, as it happens', SAFETY_NET, async () => {
    add('10.0.0.7');
    const seen: string[] = [];
    await firstValueFrom(
      followed().pipe(
        map(addressesOf),
        tap((addresses) => {
          seen.push(addresses.join(' '));
          if (seen.length === 1) setImmediate(() => add('10.0.0.8'));
          if (seen.length === 2) setImmediate(() => remove('10.0.0.7'));
        }),
        filter(([first]) => first === '10.0.0.8'),
      ),
    );
    assert.deepEqual(seen, ['10.0.0.7', '10.0.0.7 10.0.0.8', '10.0.0.8']);
  });

  test('loses nothing that happens while it is listed', SAFETY_NET, async () => {
    add('10.0.0.7', '10.0.0.8');
    let reads = 0;
    const asking = meanwhile(async () => {
      reads += 1;
      // The links are one datagram, the addresses the next one.
      if (reads !== 3) return;
      remove('10.0.0.8');
      add('10.0.0.9');
      await pause(50);
    });
    const wanted = ['10.0.0.7', '10.0.0.9'].join();
    await firstValueFrom(
      followed({ asking }).pipe(filter((kernel) => addressesOf(kernel).join() === wanted)),
    );
  });

  test('has what the kernel answered before it tells of it', SAFETY_NET, async () => {
    // Ours has an end: an answer is never about a permanent one.
    namespace.ip('address add 10.0.0.7/32 dev eth0 valid_lft 60 preferred_lft 60');
    const answered$ = new Subject<readonly KernelEvent[]>();
    const seen = await firstValueFrom(
      followed({ answered$ }).pipe(
        tap(({ addresses }) => {
          const address = addresses.get('10.0.0.7/32@eth0');
          if (address === undefined) return;
          const gone = { ...address, expiresAt: 0 };
          setImmediate(() => answered$.next([{ kind: 'taken-off', address: gone }]));
        }),
        map(addressesOf),
        take(2),
        toArray(),
      ),
    );
    assert.deepEqual(seen, [['10.0.0.7'], []]);
  });

  test('is listed anew when asked', SAFETY_NET, async () => {
    add('10.0.0.7');
    const relist$ = new Subject<void>();
    const seen = await firstValueFrom(
      followed({ relist$, hearing: deaf }).pipe(
        map(addressesOf),
        tap(({ length }) => {
          if (length > 1) return;
          add('10.0.0.8');
          setImmediate(() => relist$.next());
        }),
        take(2),
        toArray(),
      ),
    );
    assert.deepEqual(seen, [['10.0.0.7'], ['10.0.0.7', '10.0.0.8']]);
  });

  test('is listed once more, however often that was asked for during a listing', SAFETY_NET, async () => {
    const clock = virtualClock();
    const relist$ = new Subject<void>();
    const gates = new ReplaySubject<() => void>();
    let listings = 0;
    const kernels$ = new Subject<Kernel>();
    const subscription = kernel$({
      scheduler: clock.scheduler,
      open: (groups = 0) => {
        const socket = namespace.open(groups);
        if (groups !== 0) return socket;
        listings += 1;
        let isOpen = listings > 1;
        return {
          ...socket,
          send: async (requests) => {
            if (!isOpen) await new Promise<void>((resolve) => gates.next(resolve));
            isOpen = true;
            await socket.send(requests);
          },
        };
      },
      relist$,
      failed: assert.fail,
    }).subscribe(kernels$);
    const open = await firstValueFrom(gates);
    for (let wish = 0; wish < 10; wish += 1) {
      relist$.next();
      await clock.pass(60);
    }
    const both = firstValueFrom(kernels$.pipe(take(1)));
    open();
    await both;
    // Those that nobody needs would begin now, one after the other.
    for (let wish = 0; wish < 3; wish += 1) {
      await clock.pass(60);
      await pause(20);
    }
    subscription.unsubscribe();
    assert.equal(listings, 2);
  });

  test('goes by the new name of a link that is renamed, with its addresses', SAFETY_NET, async () => {
    namespace.ip('link add eth2 type veth peer name eth3');
    namespace.ip('address add 10.0.0.7/32 dev eth2');
    const has = ({ addresses, links }: Kernel, name: string) =>
      links.has(name) && addresses.has(`10.0.0.7/32@${name}`);
    await firstValueFrom(
      followed().pipe(
        tap((kernel) => {
          if (has(kernel, 'eth2') && !kernel.links.has('lan2'))
            setImmediate(() => namespace.ip('link set eth2 name lan2'));
        }),
        filter((kernel) => has(kernel, 'lan2') && !kernel.links.has('eth2')),
        filter(({ addresses }) => !addresses.has('10.0.0.7/32@eth2')),
      ),
    );
    namespace.ip('link delete lan2');
  });

  test('with more going on than the kernel keeps for a reader is listed anew', SAFETY_NET, async () => {
    const many = 200;
    const lines = Array.from({ length: many }, (_, index) => `address add 10.1.0.${index}/32 dev eth0`);
    let isOverflown = false;
    const hearing = (socket: NetlinkSocket): NetlinkSocket => ({
      ...socket,
      receiveNow: () => {
        try {
          return socket.receiveNow();
        } catch (error) {
          isOverflown ||= error instanceof SystemError && error.code === 'ENOBUFS';
          throw error;
        }
      },
    });
    await firstValueFrom(
      followed({ hearing, bufferBytes: SMALL_BUFFER }).pipe(
        map(addressesOf),
        tap(({ length }) => {
          // All of it while nothing is read here.
          if (length === 0)
            execFileSync('ip', ['-n', namespace.name, '-batch', '-'], { input: lines.join('\n') });
        }),
        filter(({ length }) => length === many),
      ),
    );
    assert.ok(isOverflown, 'nothing was dropped');
  });

  test('is tried again, told each time, where there is no socket or no answer', SAFETY_NET, async () => {
    add('10.0.0.7');
    const failures: string[] = [];
    const failed = ({ message }: Error) => failures.push(message);
    const fail = (call: string, code: string): never => {
      throw new SystemError(call, code);
    };
    const hearing = (socket: NetlinkSocket): NetlinkSocket => {
      if (failures.length > 0) return socket;
      socket.close();
      return fail('bind', 'ENOMEM');
    };
    const asking = (socket: NetlinkSocket): NetlinkSocket =>
      failures.length > 1 ? socket : { ...socket, send: async () => fail('sendto', 'ENOBUFS') };
    const kernel = await firstValueFrom(followed({ hearing, asking, failed }));
    assert.deepEqual(addressesOf(kernel), ['10.0.0.7']);
    assert.deepEqual(failures, ['bind: ENOMEM', 'sendto: ENOBUFS']);
  });

  test('leaves no socket behind', SAFETY_NET, async () => {
    const sockets = () =>
      readdirSync('/proc/self/fd').filter((descriptor) => {
        try {
          return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:');
        } catch {
          return false;
        }
      }).length;
    const before = sockets();
    for (let round = 0; round < 3; round += 1) await firstValueFrom(followed());
    assert.equal(sockets(), before);
  });
});
