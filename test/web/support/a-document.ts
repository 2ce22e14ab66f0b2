import type { Takeover } from '../../../src/domain/history.ts';
import { planOf } from '../../../src/domain/planning.ts';
import { documentOf, type StatusDocument } from '../../../src/web/document.ts';
import { aCluster, address, type ViewParts } from '../../support/a-view.ts';

export interface DocumentParts extends ViewParts {
  readonly sick?: readonly string[];
  readonly lost?: readonly string[];
  readonly etcdError?: string;
}

const NOW = '2026-01-02T12:00:00.000Z';

/** What db1 shows; whatever is not said is well. */
export function aDocument({ sick = [], lost = [], etcdError, ...parts }: DocumentParts = {}): StatusDocument {
  const given = aCluster({ nodes: ['db1', 'db2'], ...parts });
  const sessions = new Map(given.sessions);
  for (const name of sick) {
    const session = sessions.get(name);
    if (session !== undefined) sessions.set(name, { ...session, health: 'no answer' });
  }
  const cluster = { ...given, sessions };
  return documentOf(
    { service: 'svc', node: 'db1', version: '1.2.3' },
    {
      cluster,
      plan: planOf(cluster),
      reason: null,
      proven: true,
      etcd: { following: etcdError === undefined, error: etcdError ?? null },
      takeovers: lost.map((from) => aTakeover({ address: '10.0.0.7', from, cause: 'expired', at: NOW })),
      now: Date.parse(NOW),
    },
  );
}

export function aTakeover(
  parts: Partial<Omit<Takeover, 'address'>> & { readonly address: string },
): Takeover {
  const { address: text, ...rest } = parts;
  const at = rest.at ?? NOW;
  return {
    id: `${at} ${text}`,
    address: address(text),
    from: null,
    to: 'db2',
    reason: 'a test',
    at,
    phases: { detected: 0, claimed: 1, added: 2, announced: 3 },
    ...rest,
  };
}
