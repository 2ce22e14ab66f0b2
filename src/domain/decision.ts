import type { Action, EtcdAction, KernelAction } from './action.ts';
import type { View } from './view.ts';

/** What was decided, and on what. */
export interface Decision {
  readonly view: View;
  readonly actions: readonly Action[];
}

/** Whether a view shows what an effect did: "failed" where there is nothing to wait for. */
export type Echo = ((view: View) => boolean) | 'failed';

export function kernelActions({ actions }: Decision): readonly KernelAction[] {
  return actions.filter((action) => isKernelAction(action));
}

/** The first of the etcd actions: they are performed one after the other, each on a fresh decision. */
export function nextEtcdAction({ actions }: Decision): EtcdAction | undefined {
  return actions.find((action): action is EtcdAction => !isKernelAction(action));
}

function isKernelAction(action: Action): action is KernelAction {
  return action.kind === 'add' || action.kind === 'remove' || action.kind === 'renew';
}
