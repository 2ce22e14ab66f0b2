import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../support/lab.ts';
import type { Service } from '../support/service.ts';

/** The endpoint that the agent of a host follows etcd at, by its log. */
export function endpointOf(lab: Lab, host: string): string {
  const connected = lab.host(host).agent.log.findLast(({ event }) => event === 'etcd_connected');
  return String(connected?.['endpoint']);
}

export function memberUsedBy(lab: Lab, host: string): Service {
  const endpoint = endpointOf(lab, host);
  const member = lab.etcd.members[lab.etcd.endpoints.indexOf(endpoint)];
  if (member === undefined) throw new Error(`${host} uses ${endpoint}, which is no member`);
  return member;
}

/** The hosts whose agents use the member. */
export function usersOf(lab: Lab, member: Service): string[] {
  return lab.hosts.map(({ name }) => name).filter((name) => memberUsedBy(lab, name) === member);
}

/** Makes the member the leader, or with `lead: false` one that is not. */
export async function letLead(lab: Lab, member: Service, lead: boolean): Promise<void> {
  await untilAllServe(lab);
  // One that has only just come back may stand for election meanwhile.
  await repeatedly(async () => {
    const members = await statusOf(lab);
    const leader = members.find(({ isLeader }) => isLeader);
    if (leader === undefined) throw new Error('etcd has no leader');
    if ((leader.service === member) === lead) return;
    const next = members.find(({ service }) => (service === member) === lead);
    await lab.etcd.control('move-leader', next?.id ?? '');
  });
}

/** Resolves when every member answers linearizable reads. */
export async function untilAllServe(lab: Lab): Promise<void> {
  await repeatedly(() => lab.etcd.control('endpoint', 'health'));
}

/** Resolves when etcd has taken a write: it has a leader, and that one its quorum. */
export async function untilWritten(lab: Lab): Promise<void> {
  await repeatedly(() => lab.etcd.put('elsewhere/probe'));
}

export async function compactAll(lab: Lab): Promise<void> {
  const revision = /"revision":(\d+)/.exec(await lab.etcd.control('get', 'x', '-w', 'json'))?.[1];
  await lab.etcd.control('compact', `${revision}`);
}

async function statusOf(lab: Lab) {
  const lines = (await lab.etcd.control('endpoint', 'status')).trimEnd().split('\n');
  return lines.map((line) => {
    // etcdctl(1): endpoint, id, version, size, leader, …
    const [endpoint = '', id = '', , , isLeader] = line.split(', ');
    return {
      service: lab.etcd.members[lab.etcd.endpoints.indexOf(endpoint)],
      id,
      isLeader: isLeader === 'true',
    };
  });
}

/** Until etcd obeys; a member that says no may say so at once. The limit is a safety net. */
async function repeatedly(attempt: () => Promise<unknown>): Promise<void> {
  for (const limit = performance.now() + 60_000; ; await delay(50)) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > limit) throw error;
    }
  }
}
