import { BehaviorSubject, type Observable, type SchedulerLike, type Subscription, timer } from 'rxjs';
import type { Release } from './domain/action.ts';
import type { Address } from './domain/address.ts';
import type { Local } from './domain/view.ts';

/** What the effects tell the next decision that neither etcd nor the kernel would: the one loop back. */
export interface LocalStore {
  readonly local$: Observable<Local>;
  readonly recorded: () => ReadonlySet<string>;
  readonly record: (keys: readonly string[]) => void;
  /** These are about to be recorded: saved now, while there is time, they need not be then. */
  readonly expect: (keys: readonly string[]) => void;
  readonly forget: (keys: readonly string[]) => void;
  /** The address could not be put on an interface: it is refused for a while, longer each time. */
  readonly refuse: (address: Address, reason: string) => void;
  readonly accept: (address: Address) => void;
  readonly sendReleases: (releases: readonly Release[]) => void;
}

/** For how long what is saved may name what is not there any more, or not yet: the next run finds out. */
const EXACT_AFTER_MS = 1000;

const FIRST_REFUSAL_MS = 1000;
const LONGEST_REFUSAL_MS = 60_000;

export function localStore(
  initial: { readonly recorded: readonly string[] },
  scheduler: SchedulerLike,
  save: (recorded: ReadonlySet<string>) => void,
): LocalStore {
  const state = new BehaviorSubject<Local>({
    refusals: new Map(),
    releasing: new Map(),
    recorded: new Set(initial.recorded),
  });
  const pauses = new Map<Address, number>();
  const ends = new Map<Address, Subscription>();
  const update = (change: Partial<Local>): void => state.next({ ...state.value, ...change });

  let saved = state.value.recorded;
  let exactly: Subscription | undefined;
  const saveNow = (keys: ReadonlySet<string>): void => {
    saved = keys;
    save(keys);
  };
  /** At once only where something would be missing: an address on its way waits for no disk. */
  const saveAtLeast = (keys: ReadonlySet<string>): void => {
    if (![...keys].every((key) => saved.has(key))) saveNow(keys);
  };
  /** What is saved is never less than what is recorded; so it is the same when it is no more. */
  const isExact = (): boolean => saved.size === state.value.recorded.size;
  const saveExactlySoon = (): void => {
    if (isExact()) return;
    exactly?.unsubscribe();
    exactly = timer(EXACT_AFTER_MS, scheduler).subscribe(() => {
      if (!isExact()) saveNow(state.value.recorded);
    });
  };

  const setRecorded = (recorded: ReadonlySet<string>): void => {
    if (isSame(recorded, state.value.recorded)) return;
    saveAtLeast(recorded);
    update({ recorded });
    saveExactlySoon();
  };

  const endRefusal = (address: Address): void => {
    const refusals = new Map(state.value.refusals);
    refusals.delete(address);
    update({ refusals });
  };

  return {
    local$: state,
    recorded: () => state.value.recorded,
    record: (keys) => {
      const { recorded } = state.value;
      // Asked with every renewal, mostly for nothing.
      if (keys.some((key) => !recorded.has(key))) setRecorded(new Set([...recorded, ...keys]));
    },
    expect: (keys) => {
      saveAtLeast(new Set([...state.value.recorded, ...keys]));
      saveExactlySoon();
    },
    // Asked with every event of the kernel, mostly for nothing.
    forget: (keys) => {
      if (keys.length === 0) return;
      const gone = new Set(keys);
      setRecorded(new Set([...state.value.recorded].filter((key) => !gone.has(key))));
    },
    refuse: (address, reason) => {
      const pause = pauses.get(address) ?? FIRST_REFUSAL_MS;
      pauses.set(address, Math.min(pause * 2, LONGEST_REFUSAL_MS));
      update({ refusals: new Map([...state.value.refusals, [address, reason]]) });
      ends.get(address)?.unsubscribe();
      ends.set(
        address,
        timer(pause, scheduler).subscribe(() => endRefusal(address)),
      );
    },
    accept: (address) => {
      pauses.delete(address);
    },
    sendReleases: (releases) => {
      const sent = releases.flatMap(({ address, guardRevision }) =>
        guardRevision === null ? [] : [[address, guardRevision] as const],
      );
      if (sent.length > 0) update({ releasing: new Map([...state.value.releasing, ...sent]) });
    },
  };
}

function isSame(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((key) => other.has(key));
}
