import { startMonitor } from '../support/address-monitor.ts';
import { createBell } from '../support/bell.ts';
import type { Lab } from '../support/lab.ts';

/**
 * The lifetimes that agents give their addresses, as the kernels tell of them. A lifetime is renewed after a proof of
 * the session: the sign that an agent has lived through what was done to etcd.
 */
export interface Renewals {
  /** When the kernel was last given a lifetime for the address, wall clock in ms. */
  lastMs(host: string, address: string): number;
  /** Resolves when every address that is on a host now has been renewed there so many times from now. */
  untilRenewed(times: number, timeoutMs?: number): Promise<void>;
}

export async function hearRenewals(lab: Lab): Promise<Renewals> {
  const heard = new Map<string, { count: number; lastMs: number }>();
  const bell = createBell(lab.describe);
  let blind: string | undefined;
  const keyOf = (host: string, address: string) => `${host} ${address}`;
  const of = (key: string) => heard.get(key) ?? { count: 0, lastMs: 0 };

  await Promise.all(
    lab.hosts.map((host) =>
      startMonitor(
        host,
        ({ address, atMs, kind }) => {
          if (kind === 'gone') return;
          const key = keyOf(host.name, address);
          heard.set(key, { count: of(key).count + 1, lastMs: atMs });
          bell.ring();
        },
        (reason) => {
          blind ??= reason;
          bell.ring();
        },
      ),
    ),
  );
  return {
    lastMs: (host, address) => of(keyOf(host, address)).lastMs,
    async untilRenewed(times, timeoutMs = 45_000) {
      await lab.judge.catchUp();
      const wanted = lab.hosts
        .flatMap(({ name }) => lab.judge.addressesOf(name).map((address) => keyOf(name, address)))
        .map((key) => ({ key, count: of(key).count + times }));
      if (wanted.length === 0) throw new Error('no host has an address that could be renewed');
      const isDone = () => {
        if (blind !== undefined) throw new Error(`a renewal may have been missed: ${blind}`);
        return wanted.every(({ key, count }) => of(key).count >= count);
      };
      await bell.until(isDone, { timeoutMs, what: `${times} renewals of every lifetime` });
    },
  };
}
