import type { Lab } from '../../test/lab/support/lab.ts';
import { startProcess } from '../../test/lab/support/lab-process.ts';
import type { NetworkHost } from '../../test/lab/support/network.ts';
import { createService } from '../../test/lab/support/service.ts';
import { ADDRESS, type Contestant } from './contestant.ts';

const LEADER_KEY = '/service/batman/leader';

/** As its users do: it follows Patroni's leader key, which the lab writes in Patroni's place. Debian's speaks etcd's v2 API. */
export function vipManagerEvery(name: string, intervalMs: number): Contestant {
  return {
    name,
    command: 'vip-manager',
    lab: { postgres: false, startAgents: false, etcd: { arguments: ['--enable-v2'] } },
    async enter(lab) {
      const services = new Map(lab.hosts.map((host) => [host.name, serviceOn(lab, host, intervalMs)]));
      const on = (host: string) => {
        const service = services.get(host);
        if (service === undefined) throw new Error(`no vip-manager on ${host}`);
        return service;
      };
      const elect = async (host: string) => {
        const url = `${lab.etcd.endpoints[0]}/v2/keys${LEADER_KEY}`;
        const put = `await fetch('${url}?value=${host}', { method: 'PUT' })`;
        await lab.run(lab.client.name, process.execPath, '--input-type=module', '--eval', put);
      };
      const electAnother = (host: string) => elect(nextAfter(lab, host));
      await elect(lab.hosts[0]?.name ?? '');
      await Promise.all([...services.values()].map((service) => service.start()));
      const settled = () =>
        lab.judge.until((judge) => judge.holders(ADDRESS).length === 1, {
          timeoutMs: 30_000,
          what: `one holder of ${ADDRESS}`,
        });
      await settled();
      return {
        on,
        ready: async () => void (await settled()),
        moveAway: electAnother,
        comeBack: async () => {},
        // It is Patroni that notices; the lab does it at once in its place.
        lost: electAnother,
      };
    },
  };
}

function nextAfter({ hosts }: Lab, host: string): string {
  const index = hosts.findIndex(({ name }) => name === host);
  return hosts[(index + 1) % hosts.length]?.name ?? '';
}

function serviceOn(lab: Lab, host: NetworkHost, intervalMs: number) {
  const name = `vip-manager of ${host.name}`;
  return createService(
    name,
    () =>
      startProcess({
        name,
        namespace: host.namespace,
        command: [
          ...(['vip-manager', `--ip=${ADDRESS}`, '--netmask=32', '--interface=eth0'] as const),
          ...[`--trigger-key=${LEADER_KEY}`, `--trigger-value=${host.name}`, `--interval=${intervalMs}`],
          ...['--dcs-type=etcd', `--dcs-endpoints=${lab.etcd.endpoints.join(',')}`],
        ],
      }),
    async () => {},
  );
}
