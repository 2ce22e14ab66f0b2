import { type Inflict, nodeOf } from './strike.ts';

/** Cables, switches, links and paths that fail. */
export const onNetwork = {
  'cable pulled': ({ lab, fault }) => cut(lab, fault.targets[0] ?? '', false),
  'switch forwards nothing': ({ lab, fault }) => cut(lab, fault.targets[0] ?? '', true),
  'member cut off': ({ lab, fault }) => cut(lab, fault.targets[0] ?? '', fault.severity < 0.5),
  'node unheard by a member': async ({ lab, fault }) => {
    const [node = '', member = ''] = fault.targets;
    return { hit: `${node} to ${member}`, undo: await lab.halfOpen(node, member) };
  },
  'member unheard by a node': async ({ lab, fault }) => {
    const [node = '', member = ''] = fault.targets;
    return { hit: `${member} to ${node}`, undo: await lab.halfOpen(member, node) };
  },
  'link set down': async (strike) => {
    const { lab } = strike;
    const { name, ipv6 } = nodeOf(strike);
    await lab.ip(name, 'link', 'set', 'eth0', 'down');
    return {
      hit: name,
      undo: async () => {
        await lab.ip(name, 'link', 'set', 'eth0', 'up');
        // The kernel takes a link's IPv6 addresses off when it goes down.
        await lab.ip(name, 'address', 'replace', `${ipv6}/64`, 'dev', 'eth0', 'nodad');
      },
    };
  },
} as const satisfies Readonly<Record<string, Inflict>>;

async function cut(lab: Parameters<Inflict>[0]['lab'], name: string, keepCarrier: boolean) {
  await lab.cut(name, { keepCarrier });
  return { hit: name, undo: () => lab.restore(name) };
}
