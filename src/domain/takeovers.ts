import type { Address } from './address.ts';
import type { Cluster } from './cluster.ts';
import { handedTo } from './handed.ts';
import type { Takeover, TakeoverCause, TakeoverPhases } from './history.ts';
import type { Move } from './plan.ts';
import type { Planned } from './view.ts';

/** What a takeover consists of, as it is heard. */
export type TakeoverEvent =
  | { readonly kind: 'planned'; readonly planned: Pick<Planned, 'cluster' | 'plan'> }
  | { readonly kind: 'added'; readonly address: Address }
  | { readonly kind: 'announced'; readonly address: Address; readonly succeeded: boolean };

/** An address on its way to this node, or one that has to go somewhere. */
interface Started {
  readonly detectedAt: number;
  readonly at: string;
  readonly from: string | null;
  readonly reason: string;
  /** Of the move that began it: once the holder has given the address back, the plan calls it a claim. */
  readonly kind: Move['kind'];
  phases: Partial<TakeoverPhases>;
}

export interface Moment {
  /** Monotonic, ms. */
  readonly now: number;
  /** The wall clock's, ISO. */
  readonly at: string;
}

/**
 * Follows every address that has to move, from the plan that says so first, and answers with the takeovers that an
 * event completed: those that end on the interface of `nodename`. The only state in the domain: one map, changed in
 * place, since a thousand addresses come one by one.
 */
export function takeoverTracker(
  nodename: string,
): (event: TakeoverEvent, moment: Moment) => readonly Takeover[] {
  let underway = new Map<Address, Started>();
  let before: Cluster | null = null;

  const afterPlan = ({ cluster, plan }: Pick<Planned, 'cluster' | 'plan'>, moment: Moment): void => {
    const next = new Map<Address, Started>();
    for (const [address, started] of underway) {
      if (cluster.guards.get(address)?.holder !== nodename) continue;
      if (started.phases.claimed === undefined) {
        const freed = freedBy(started, address, before, cluster, moment);
        next.set(address, withPhases(freed, { claimed: elapsed(started, moment) }));
      } else next.set(address, started);
    }
    for (const { address, from, reason } of handedTo(nodename, before, cluster)) {
      if (next.has(address)) continue;
      const begun = { detectedAt: moment.now, at: moment.at, from, reason };
      next.set(address, { ...begun, kind: 'claim', phases: { released: 0, claimed: 0 } });
    }
    for (const { address, from, to, kind, reason } of plan.moves) {
      if (to === null || next.has(address)) continue;
      const known = underway.get(address);
      const isNew = known === undefined || known.phases.claimed !== undefined;
      const started = isNew
        ? { detectedAt: moment.now, at: moment.at, from, reason, kind, phases: {} }
        : known;
      next.set(address, { ...freedBy(started, address, before, cluster, moment), reason });
    }
    [underway, before] = [next, cluster];
  };

  const afterStep = (event: Exclude<TakeoverEvent, { kind: 'planned' }>, moment: Moment): Takeover[] => {
    const { address } = event;
    const started = underway.get(address);
    // Ours by an earlier run, or announced again.
    if (started?.phases.claimed === undefined) return [];
    const { from, reason, at, phases } = started;
    const since = elapsed(started, moment);
    if (event.kind === 'added') {
      started.phases = { ...phases, added: since };
      return [];
    }
    if (phases.claimed === undefined || phases.added === undefined) return [];
    underway.delete(address);
    const { claimed, added } = phases;
    const announced = event.succeeded ? { announced: since } : {};
    const all = { ...phases, detected: 0, claimed, added, ...announced };
    const id = `${at} ${nodename} ${address}`;
    return [{ id, address, from, to: nodename, cause: causeOf(started), reason, at, phases: all }];
  };

  return (event, moment) => {
    if (event.kind !== 'planned') return afterStep(event, moment);
    afterPlan(event.planned, moment);
    return [];
  };
}

function causeOf({ kind, phases, from }: Started): TakeoverCause {
  if (phases.expired !== undefined) return 'expired';
  if (kind === 'balance' || kind === 'asked') return kind;
  return from === null ? 'unheld' : 'released';
}

/** With the moment at which the address left its holder, if that is now. */
function freedBy(
  started: Started,
  address: Address,
  before: Cluster | null,
  { guards, sessions }: Cluster,
  moment: Moment,
): Started {
  const guard = before?.guards.get(address);
  if (guard === undefined || guards.get(address)?.modRevision === guard.modRevision) return started;
  // Who gives an address back goes on living; a lease that ends takes the session with it.
  const isReleased = sessions.get(guard.holder)?.leaseId === guard.leaseId;
  const freed = { [isReleased ? 'released' : 'expired']: elapsed(started, moment) };
  return { ...withPhases(started, freed), from: guard.holder };
}

function withPhases(started: Started, phases: Partial<TakeoverPhases>): Started {
  return { ...started, phases: { ...started.phases, ...phases } };
}

function elapsed({ detectedAt }: Started, { now }: Moment): number {
  return Math.round((now - detectedAt) * 1000) / 1000;
}
