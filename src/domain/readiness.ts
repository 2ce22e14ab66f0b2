import { whyNotServing } from './holdings.ts';
import { isProven } from './session.ts';
import type { View } from './view.ts';

/**
 * Why this node is not healthy with a proven session at `now`; undefined where it is. Being drained is an operator's
 * wish and no reason.
 */
export function whyNotReady(view: View, now: number): string | undefined {
  const { health, session, stopping } = view;
  if (stopping) return whyNotServing(view);
  if (health.kind === 'unknown') return 'its database was not checked yet';
  if (health.kind === 'sick') return health.reason;
  if (session === null) return 'there is no session with etcd';
  if (session === 'adopting') return 'the lease of the previous run is not taken over yet';
  return isProven(session, now) ? undefined : 'the session with etcd could not be proven in time';
}
