import type { LeaseId } from './cluster.ts';
import { placingOf } from './kernel-table.ts';
import { isProven } from './session.ts';
import type { Settings, View } from './view.ts';

/**
 * What stays of a view while nothing happens but time, proofs and renewals. Its kernel is the one of when that began:
 * of the ends of lifetimes it says no more than whether there is one.
 */
export interface Standing extends Omit<View, 'now' | 'session'> {
  /** Of a session that is proven; null while there is none. */
  readonly leaseId: LeaseId | null;
}

/** Of each agent the last one, by its settings. */
const last = new WeakMap<Settings, Standing>();

/**
 * The same object again for views between which nothing else has changed: what is `derived` from it is worked out once,
 * and not with each of several decisions a second over a thousand addresses.
 */
export function standingOf(view: View): Standing {
  const { now, session, ...parts } = view;
  const leaseId = session !== 'adopting' && isProven(session, now) ? session.leaseId : null;
  const standing = { ...parts, leaseId };
  const before = last.get(view.settings);
  if (before !== undefined && isSame(before, standing)) return before;
  last.set(view.settings, standing);
  return standing;
}

function isSame({ kernel: a, ...before }: Standing, { kernel: b, ...standing }: Standing): boolean {
  return (
    placingOf(a.addresses) === placingOf(b.addresses) &&
    a.links === b.links &&
    a.routes === b.routes &&
    (Object.keys(standing) as (keyof typeof standing)[]).every((key) => before[key] === standing[key])
  );
}
