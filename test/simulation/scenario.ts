import fc from 'fast-check';

/** What can go wrong, in field terms. */
export const FAULT_KINDS = [
  // The host and its processes.
  'agent killed',
  'agent stopped',
  'agent terminated',
  'agent handed over',
  'database sick',
  'database flapping',
  'wall clock stepped',
  // The way to etcd.
  'cut off',
  'requests lost',
  'answers lost',
  'lossy',
  'slow requests',
  'slow answers',
  'watch reset',
  'watch lagging',
  'watch duplicated',
  'watch flapping',
  // etcd.
  'leader changed',
  'leader deposed unawares',
  'quorum lost',
  'history compacted',
  'older data restored',
  // The kernel.
  'adds failing',
  'kernel hanging',
  'address deleted',
  'address foreign',
  'link down',
  'secondaries not promoted',
  // People.
  'drained',
  'mark deleted',
  'mark stolen',
  'mark forged',
  'guard overwritten',
  'presence deleted',
  'session deleted',
  'lease revoked',
  'pool shrunk',
  'pool grown',
  'garbage written',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** Which host, address or other thing: taken modulo how many there are. */
  readonly target: number;
  /** How bad, 0 to 1000. */
  readonly severity: number;
}

export type Sharing = 'alike' | 'weighted' | 'wishes';

/** A world and what happens to it. The same scenario is the same run. */
export interface Scenario {
  readonly seed: number;
  readonly hosts: number;
  readonly addresses: number;
  readonly ttlMs: number;
  readonly netmask: number | null;
  /** How the nodes share: alike, by weight, or with wishes for single addresses. */
  readonly sharing: Sharing;
  readonly faults: readonly Fault[];
}

export interface ScenarioOptions {
  readonly kinds?: readonly FaultKind[];
  readonly hosts?: number;
  readonly addresses?: number;
  readonly ttlMs?: number;
  readonly mostFaults?: number;
  /** Faults come in while others last: all begin within this time. */
  readonly withinMs?: number;
}

const WITHIN_MS = 20_000;

/** Rare ones, since they are hard on everything else. */
const RARE: ReadonlySet<FaultKind> = new Set(['older data restored', 'secondaries not promoted']);

export function scenarios(options: ScenarioOptions = {}): fc.Arbitrary<Scenario> {
  const kinds = options.kinds ?? FAULT_KINDS;
  const kind = fc.oneof(
    ...kinds.map((name) => ({ arbitrary: fc.constant(name), weight: RARE.has(name) ? 1 : 8 })),
  );
  const forMs = fc.oneof(
    fc.integer({ min: 1, max: 600 }),
    fc.integer({ min: 600, max: 3000 }),
    fc.integer({ min: 3000, max: 12_000 }),
  );
  const fault = fc.record({
    kind,
    atMs: fc.integer({ min: 0, max: options.withinMs ?? WITHIN_MS }),
    forMs,
    target: fc.nat(999),
    severity: fc.nat(1000),
  });
  return fc.record({
    seed: fc.nat(2 ** 31),
    hosts: options.hosts === undefined ? fc.integer({ min: 3, max: 5 }) : fc.constant(options.hosts),
    addresses:
      options.addresses === undefined ? fc.integer({ min: 6, max: 12 }) : fc.constant(options.addresses),
    ttlMs: options.ttlMs === undefined ? fc.constantFrom(3000, 6000, 6000) : fc.constant(options.ttlMs),
    netmask: fc.constantFrom(null, null, 24),
    sharing: fc.constantFrom<Sharing>('alike', 'alike', 'weighted', 'wishes'),
    faults: fc.array(fault, { minLength: 1, maxLength: options.mostFaults ?? 12, size: 'max' }),
  });
}

/** The scenario that belongs to a seed. */
export function scenarioOf(seed: number, options: ScenarioOptions = {}): Scenario {
  const [scenario] = fc.sample(fc.noBias(scenarios(options)), { seed, numRuns: 1 });
  return scenario as Scenario;
}
