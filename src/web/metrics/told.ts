import { Counter, Histogram, type Registry } from 'prom-client';
import { TAKEOVER_CAUSES, type Takeover } from '../../domain/history.ts';
import type { Journal } from '../../journal.ts';

/** From a millisecond, which a takeover takes where nobody has to be waited for, to a lease that has to end. */
const TAKEOVER_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What has happened since the process began, heard as it is told. */
export function toldMetrics(registry: Registry): Partial<Journal> {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const takeovers = takeoverMetrics(registry);
  const proofs = new Counter({
    name: 'yaim_session_proofs_total',
    help: 'Renewals of the lease together with the proof that it is still this node’s, by their result.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['proven', 'unproven']) proofs.inc({ result }, 0);
  const lost = counter('yaim_sessions_lost_total', 'Leases that ended under this node.');
  const fenced = counter(
    'yaim_fenced_total',
    'Times that this node dropped its addresses because no proof of its session came in time.',
  );
  const renewals = counter(
    'yaim_lifetime_renewals_total',
    'Lifetimes of addresses on interfaces that were set anew.',
  );
  const kernelErrors = new Counter({
    name: 'yaim_kernel_errors_total',
    help: 'Addresses that could not be added, removed or renewed, by what was tried.',
    labelNames: ['action'],
    registers,
  });
  for (const action of ['add', 'remove', 'renew']) kernelErrors.inc({ action }, 0);
  const unannounced = counter('yaim_announcement_errors_total', 'Announcements that could not be sent.');
  const unrecorded = counter(
    'yaim_history_lost_takeovers_total',
    'Takeovers that could not be written into etcd for the history.',
  );
  return {
    takeover: takeovers,
    session: ({ kind }) => {
      if (kind === 'proven' || kind === 'unproven') proofs.inc({ result: kind });
      if (kind === 'lost') lost.inc();
    },
    fenced: () => fenced.inc(),
    intend: (actions) => {
      const count = actions.filter(({ kind }) => kind === 'renew').length;
      if (count > 0) renewals.inc(count);
    },
    failed: ({ action }) => kernelErrors.inc({ action: action.kind }),
    announceFailed: () => unannounced.inc(),
    recordFailed: (count) => unrecorded.inc(count),
  };
}

function takeoverMetrics(registry: Registry): (takeover: Takeover) => void {
  const registers = [registry];
  const count = new Counter({
    name: 'yaim_takeovers_total',
    help: 'Addresses that this node took over, by what made them move.',
    labelNames: ['cause'],
    registers,
  });
  for (const cause of TAKEOVER_CAUSES) count.inc({ cause }, 0);
  const whole = new Histogram({
    name: 'yaim_takeover_seconds',
    help: 'From seeing that an address has to move until it is announced here, by what made it move.',
    labelNames: ['cause'],
    buckets: TAKEOVER_BUCKETS,
    registers,
  });
  const phase = new Histogram({
    name: 'yaim_takeover_phase_seconds',
    help: 'Each phase of a takeover: until its holder has freed the address, the claim in etcd, adding, announcing.',
    labelNames: ['phase'],
    buckets: TAKEOVER_BUCKETS,
    registers,
  });
  return ({ cause = 'unheld', phases }) => {
    const { claimed, added, announced } = phases;
    const freed = phases.released ?? phases.expired;
    count.inc({ cause });
    whole.observe({ cause }, (announced ?? added) / 1000);
    if (freed !== undefined) phase.observe({ phase: 'free' }, freed / 1000);
    phase.observe({ phase: 'claim' }, Math.max(0, claimed - (freed ?? 0)) / 1000);
    phase.observe({ phase: 'add' }, (added - claimed) / 1000);
    if (announced !== undefined) phase.observe({ phase: 'announce' }, (announced - added) / 1000);
  };
}
