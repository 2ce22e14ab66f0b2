/** What a fault hits: it is drawn from these when the plan is made, or found when the fault begins. */
export type TargetKind = 'node' | 'member' | 'node and member' | 'two members' | 'etcd' | 'address';

/**
 * How long a fault lasts: `around ttl` is often just below or just above it, where fences and leases end.
 * `outage` is something that is started again after a while.
 */
export type Length = 'instant' | 'around ttl' | 'outage' | 'brief';

export interface FaultRule {
  readonly target: TargetKind;
  readonly length: Length;
  /** Whether its node is no node that could hold an address while it lasts. */
  readonly unfits: boolean;
  /** What no other fault may hold at the same time; `*` stands for the target, or for every one of the group. */
  readonly occupies: readonly string[];
}

const onNode = (length: Length, occupies: string): FaultRule => ({
  target: 'node',
  length,
  unfits: true,
  occupies: [`${occupies} *`],
});
const onMember = (length: Length): FaultRule => ({
  target: 'member',
  length,
  unfits: false,
  occupies: ['member *'],
});
const onPath: FaultRule = {
  target: 'node and member',
  length: 'around ttl',
  unfits: false,
  occupies: ['path *'],
};
const onEtcd = (length: Length): FaultRule => ({
  target: 'etcd',
  length,
  unfits: false,
  occupies: ['member *'],
});
const byHand = (target: TargetKind, occupies: readonly string[] = []): FaultRule => ({
  target,
  length: 'instant',
  unfits: false,
  occupies,
});

/** Every kind of fault. None of them breaks an assumption of docs/safety.md. */
export const faultRules = {
  'agent killed': onNode('outage', 'agent'),
  'agent stopped (SIGSTOP)': onNode('around ttl', 'agent'),
  'agent ended (SIGTERM)': onNode('outage', 'agent'),
  'agent ended with keep (SIGUSR1)': onNode('outage', 'agent'),
  'database killed': onNode('outage', 'database'),
  'database stopped (SIGSTOP)': onNode('around ttl', 'database'),
  'database ended (SIGTERM)': onNode('outage', 'database'),
  'cable pulled': onNode('around ttl', 'cable'),
  'switch forwards nothing': onNode('around ttl', 'cable'),
  'link set down': onNode('around ttl', 'cable'),
  'node unheard by a member': onPath,
  'member unheard by a node': onPath,
  'member killed': onMember('outage'),
  'member stopped (SIGSTOP)': onMember('around ttl'),
  'member ended (SIGTERM)': onMember('outage'),
  'member cut off': onMember('around ttl'),
  'quorum killed': { ...onMember('around ttl'), target: 'two members' },
  'quorum stopped (SIGSTOP)': { ...onMember('around ttl'), target: 'two members' },
  'leader’s disk stalled': onEtcd('around ttl'),
  'etcd full (NOSPACE)': onEtcd('brief'),
  'history compacted': byHand('etcd'),
  'mark deleted': byHand('address'),
  'mark stolen for a node': byHand('address'),
  'mark stolen for nobody': byHand('address'),
  'presence deleted': byHand('node'),
  'presence overwritten': byHand('node'),
  // Only while its node is reachable (docs/safety.md, assumption 5): nothing else on it, and etcd whole.
  'lease revoked': byHand('node', ['agent *', 'database *', 'cable *', 'path *', 'clock *', 'member *']),
  'address deleted on its host': byHand('address'),
  'wall clock stepped': { target: 'node', length: 'outage', unfits: false, occupies: ['clock *'] },
} as const satisfies Readonly<Record<string, FaultRule>>;

export type FaultKind = keyof typeof faultRules;

export const faultKinds = Object.keys(faultRules) as readonly FaultKind[];
