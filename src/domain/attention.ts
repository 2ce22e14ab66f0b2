import type { LostNode } from './lost.ts';
import type { NodeState } from './node-report.ts';
import type { Report } from './report.ts';

/** Something that a person should look at. */
export interface Attention {
  /** critical: clients notice. warning: they may, if one thing more fails. notice: odd. */
  readonly severity: 'critical' | 'warning' | 'notice';
  readonly kind: 'etcd' | 'conflict' | 'unheld' | 'node' | 'notice' | 'ignored';
  /** The address, node or key that it is about. */
  readonly subject: string;
  /** What is wrong with it, without the subject. */
  readonly text: string;
}

/** Drained, stopped and starting are somebody's intention. */
const TROUBLE: Readonly<Record<NodeState, boolean>> = {
  healthy: false,
  starting: false,
  sick: true,
  drained: false,
  unreachable: true,
  stopped: false,
};

/** What is wrong with the service, the worst first. */
export function attentionOf(
  { nodes, addresses, unheld, problems }: Report,
  lost: readonly LostNode[] = [],
): readonly Attention[] {
  const conflicts = new Set(addresses.flatMap(({ address, blocked }) => (blocked ? [address] : [])));
  return [
    ...addresses.flatMap(({ address, blocked }): Attention[] =>
      blocked ? [{ severity: 'critical', kind: 'conflict', subject: address, text: blocked }] : [],
    ),
    ...unheld.flatMap(({ address, reason }): Attention[] =>
      conflicts.has(address)
        ? []
        : [{ severity: 'critical', kind: 'unheld', subject: address, text: reason }],
    ),
    ...nodes.flatMap(({ name, state, reason }): Attention[] =>
      TROUBLE[state]
        ? [{ severity: 'warning', kind: 'node', subject: name, text: `${state}: ${reason ?? ''}` }]
        : [],
    ),
    ...lost.map(({ name, since }): Attention => {
      const text = `lost: its lease ended at ${since}, and nothing is heard of it`;
      return { severity: 'warning', kind: 'node', subject: name, text };
    }),
    ...addresses.flatMap(({ address, note }): Attention[] =>
      note === null ? [] : [{ severity: 'notice', kind: 'notice', subject: address, text: note }],
    ),
    ...problems.map(
      ({ key, problem }): Attention => ({
        severity: 'notice',
        kind: 'ignored',
        subject: key,
        text: problem,
      }),
    ),
  ];
}
