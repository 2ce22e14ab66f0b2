import type { AgentConfig } from '../../test/lab/support/agent.ts';
import { ADDRESS, type Contestant } from './contestant.ts';
import { keepalived } from './keepalived.ts';
import { vipManagerEvery } from './vip-manager.ts';

/** yaim with some keys of its configuration set. */
export function yaim(name: string, agent: AgentConfig = {}): Contestant {
  return {
    name,
    lab: { postgres: false, agent },
    async enter(lab) {
      await lab.startAgents();
      await Promise.all(lab.hosts.map((host) => host.agent.waitForEvent('advertised')));
      await lab.addAddress(ADDRESS);
      return {
        on: (host) => lab.host(host).agent,
        async ready(host) {
          const key = `${lab.service}/nodes/${host}`;
          while ((await lab.etcd.get(key)) === undefined)
            await lab.host(host).agent.waitForEvent('advertised');
        },
        moveAway: (host) => lab.etcd.put(`${lab.service}/drain/${host}`),
        comeBack: (host) => lab.etcd.delete(`${lab.service}/drain/${host}`),
      };
    },
  };
}

export const keepalivedDefaults = keepalived('keepalived, defaults', { advertSeconds: 1, version: 2 });
export const keepalivedTuned = keepalived('keepalived, VRRPv3, advert 0.1', {
  advertSeconds: 0.1,
  version: 3,
});
export const vipManager = vipManagerEvery('vip-manager, defaults', 1000);
export const vipManagerTuned = vipManagerEvery('vip-manager, interval 100', 100);
