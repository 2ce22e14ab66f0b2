import { startProcess } from '../support/lab-process.ts';
import { byHand, type Inflict, InVain, memberNamed, type Strike } from './strike.ts';

/** Keys that only fill etcd up, outside the service's. */
const filling = 'filling/';
/** What every member is started with: so little that a test can fill it, so much that a run alone does not. */
export const quotaBytes = 16 * 1024 * 1024;

/** What befalls all of etcd. */
export const onEtcd = {
  'leader’s disk stalled': async ({ lab, fault }) => {
    const leader = await byHand(() => leaderOf(lab));
    const { pid } = memberNamed(lab, leader).process;
    const micros = fault.durationMs * 1000;
    const tracer = startProcess({
      name: `strace of ${leader}`,
      namespace: lab.client.namespace,
      command: [
        ...(['strace', '-f', '-p', `${pid}`, '-o', '/dev/null'] as const),
        ...['-e', 'trace=fdatasync,fsync', '-e', `inject=fdatasync,fsync:delay_enter=${micros}`],
      ],
    });
    await tracer.waitForLine(/attached/, { timeoutMs: 30_000, what: `strace to attach to ${leader}` });
    return {
      hit: leader,
      undo: async () => {
        if (tracer.exit === undefined) tracer.signal('SIGTERM', 'leader');
        await tracer.waitForExit({ timeoutMs: 30_000, what: `strace to let go of ${leader}` });
      },
    };
  },
  'etcd full (NOSPACE)': async ({ lab }) => {
    const isFull = await fillUp(lab);
    const undo = () => repeatedly(() => makeRoom(lab));
    if (isFull) return { hit: 'etcd', undo };
    await undo();
    throw new InVain('etcd did not become full');
  },
  'history compacted': async ({ lab }) => {
    await byHand(() => compact(lab));
    return { hit: 'etcd' };
  },
} as const satisfies Readonly<Record<string, Inflict>>;

type Lab = Strike['lab'];

async function leaderOf(lab: Lab): Promise<string> {
  const text = await lab.etcd.control('endpoint', 'status', '-w', 'fields');
  const values = (field: string) =>
    [...text.matchAll(new RegExp(`^"${field}" : "?([^"\n]+)"?$`, 'gm'))].map((match) => match[1]);
  const leader = values('Leader')[0];
  const endpoint = values('Endpoint')[values('MemberID').indexOf(leader)];
  const name = lab.etcd.members[lab.etcd.endpoints.indexOf(endpoint ?? '')]?.name;
  if (name === undefined) throw new Error('etcd has no leader');
  return name;
}

async function fillUp(lab: Lab): Promise<boolean> {
  const value = 'x'.repeat(10_000);
  for (let round = 0; round < (2 * quotaBytes) / 1_000_000; round += 1) {
    const keys = Array.from({ length: 100 }, (_, index) => [`${filling}${round}/${index}`, value] as const);
    const error = await lab.etcd.putAll(Object.fromEntries(keys)).then(
      () => undefined,
      (reason: Error) => reason,
    );
    if (error?.message.includes('database space exceeded')) return true;
    if (error !== undefined) return false;
  }
  return false;
}

/** What etcd's manual says to do about a NOSPACE alarm. */
async function makeRoom(lab: Lab): Promise<void> {
  await lab.etcd.control('del', '--prefix', filling);
  await compact(lab).catch((error: Error) => {
    if (!error.message.includes('has been compacted')) throw error;
  });
  await lab.etcd.control('defrag');
  await lab.etcd.control('alarm', 'disarm');
}

async function compact(lab: Lab): Promise<void> {
  const answer = await lab.etcd.control('get', 'nothing', '-w', 'json');
  await lab.etcd.control('compact', /"revision":(\d+)/.exec(answer)?.[1] ?? '');
}

/** Until etcd obeys: members that have only just come back may not. The limit is a safety net. */
async function repeatedly(action: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}
