import type { EtcdAction } from '../domain/action.ts';
import { advertise, publish } from './advertise.ts';
import { type ActionOf, claim, type MarkDependencies, release, tidy, type Written } from './mark.ts';

/** A performer for each kind of action: an action without one does not compile. */
type Performers = {
  readonly [Kind in EtcdAction['kind']]: (action: ActionOf<Kind>) => Promise<readonly Written[]>;
};

/** Performs one action on etcd. Rejects with an EtcdError when the answer is not known. */
export function performEtcd(deps: MarkDependencies): (action: EtcdAction) => Promise<readonly Written[]> {
  const performers: Performers = {
    claim: claim(deps),
    release: release(deps),
    tidy: tidy(deps),
    advertise: advertise(deps),
    publish: publish(deps),
  };
  return (action) => (performers[action.kind] as (action: EtcdAction) => Promise<readonly Written[]>)(action);
}
