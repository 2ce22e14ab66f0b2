import { byHand, type Inflict, InVain, nodeOf, type Strike } from './strike.ts';

/** What people do with etcdctl, ip and date. Never to `guards/` or `sessions/`: docs/safety.md, assumption 5. */
export const byPeople = {
  'mark deleted': async ({ lab, fault }) => {
    await byHand(() => lab.etcd.delete(markOf(lab, fault)));
    return { hit: fault.targets[0] ?? '' };
  },
  'mark stolen for a node': async ({ lab, fault }) => {
    const thief = lab.hosts[Math.floor(fault.severity * lab.hosts.length)]?.name ?? '';
    await byHand(() => lab.etcd.put(markOf(lab, fault), thief));
    return { hit: `${fault.targets[0]} for ${thief}` };
  },
  'mark stolen for nobody': async ({ lab, fault }) => {
    await byHand(() => lab.etcd.put(markOf(lab, fault), 'nobody'));
    return { hit: fault.targets[0] ?? '' };
  },
  'presence deleted': async (strike) => {
    const { name } = nodeOf(strike);
    await byHand(() => strike.lab.etcd.delete(`${strike.lab.service}/nodes/${name}`));
    return { hit: name };
  },
  'presence overwritten': async (strike) => {
    const { name } = nodeOf(strike);
    await byHand(() => strike.lab.etcd.put(`${strike.lab.service}/nodes/${name}`, '{"by":"hand"}'));
    return { hit: name };
  },
  'lease revoked': async (strike) => {
    const { lab, isQuiet } = strike;
    const { name } = nodeOf(strike);
    const session = await byHand(() => lab.etcd.get(`${lab.service}/sessions/${name}`));
    if (session === undefined) throw new InVain(`${name} has no lease`);
    // Of a node that is cut off it would break an assumption; faults may have taken longer than planned.
    if (!isQuiet(name)) throw new InVain(`${name} or etcd may not be well`);
    await byHand(() => lab.etcd.control('lease', 'revoke', session.lease));
    return { hit: name };
  },
  'address deleted on its host': async ({ lab, fault }) => {
    const [address = ''] = fault.targets;
    const [holder] = lab.judge.holders(address);
    if (holder === undefined) throw new InVain(`nobody has ${address}`);
    const length = address.includes(':') ? 128 : 32;
    await byHand(() => lab.ip(holder, 'address', 'delete', `${address}/${length}`, 'dev', 'eth0'));
    return { hit: `${address} on ${holder}` };
  },
  'wall clock stepped': async (strike) => {
    const { name } = nodeOf(strike);
    const steps = [-86_400, -3600, -30, -3, 3, 30, 3600, 86_400];
    const seconds = steps[Math.floor(strike.fault.severity * steps.length)] ?? 0;
    strike.clocks.set(name, seconds);
    return { hit: `${name} by ${seconds} s`, undo: async () => strike.clocks.set(name, 0) };
  },
} as const satisfies Readonly<Record<string, Inflict>>;

function markOf(lab: Strike['lab'], { targets }: Strike['fault']): string {
  return `${lab.service}/ips/${targets[0]}/marked`;
}
