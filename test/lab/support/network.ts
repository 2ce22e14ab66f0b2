import { ipBatch, run } from './command.ts';
import { namespaceName } from './leftovers.ts';

/** A network namespace with one cable, eth0, to the lab's only switch. */
export interface NetworkHost {
  readonly name: string;
  readonly namespace: string;
  /** Its own address, never one of the pool: 10.77.0.<number>/24. */
  readonly ipv4: string;
  /** fd77::<number>/64, the number read as hexadecimal digits, so that 10.77.0.12 is fd77::12. */
  readonly ipv6: string;
}

export interface Network {
  readonly hosts: readonly NetworkHost[];
  /**
   * Pulls a host's cable at the switch. The host loses its carrier; with `keepCarrier` the switch only stops to
   * forward, as a broken switch further away would look.
   */
  cut(host: string, options?: { readonly keepCarrier?: boolean }): Promise<void>;
  restore(host: string): Promise<void>;
  /**
   * `from` can no longer send to `to`, which hears neither RST nor FIN; the other direction stays.
   * Gives the way back.
   */
  halfOpen(from: string, to: string): Promise<() => Promise<void>>;
  /** `ip …` in the namespace of a host. */
  ip(host: string, ...args: readonly string[]): Promise<string>;
  /** Any command in the namespace of a host. */
  run(host: string, command: string, ...args: readonly string[]): Promise<string>;
}

/** @param numbers host name → last part of its address */
export async function createNetwork(
  runId: string,
  numbers: Readonly<Record<string, number>>,
): Promise<Network> {
  // The switch has a namespace of its own: the root namespace gets no bridge, no link, no setting.
  const switchNamespace = namespaceName(runId, 'switch');
  const hosts = Object.entries(numbers).map(([name, number]): NetworkHost => {
    if (name.length > 15) throw new Error(`host name ${name} is no interface name: more than 15 characters`);
    const namespace = namespaceName(runId, name);
    return { name, namespace, ipv4: `10.77.0.${number}`, ipv6: `fd77::${number}` };
  });
  const find = (name: string) => {
    const host = hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  };

  const namespaces = [switchNamespace, ...hosts.map(({ namespace }) => namespace)];
  await ipBatch(namespaces.map((name) => `netns add ${name}`));
  await ipBatch(cabling(hosts), switchNamespace);
  await Promise.all(hosts.map(configure));

  return {
    hosts,
    async cut(host, { keepCarrier = false } = {}) {
      await ipBatch([`link set ${find(host).name} ${keepCarrier ? 'nomaster' : 'down'}`], switchNamespace);
    },
    async restore(host) {
      await ipBatch([`link set ${find(host).name} master bridge up`], switchNamespace);
    },
    async halfOpen(from, to) {
      const { namespace } = find(from);
      const { ipv4, ipv6 } = find(to);
      const routes = [`blackhole ${ipv4}/32`, `blackhole ${ipv6}/128`];
      const change = (verb: string) =>
        ipBatch(
          routes.map((route) => `route ${verb} ${route}`),
          namespace,
        );
      await change('add');
      return () => change('delete');
    },
    ip: (host, ...args) => run('ip', ['-n', find(host).namespace, ...args]),
    run: (host, command, ...args) => run('ip', ['netns', 'exec', find(host).namespace, command, ...args]),
  };
}

function cabling(hosts: readonly NetworkHost[]): string[] {
  return [
    'link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    'link set bridge up',
    ...hosts.flatMap(({ name, namespace }) => [
      `link add ${name} type veth peer name eth0 netns ${namespace}`,
      `link set ${name} master bridge up`,
    ]),
  ];
}

async function configure({ namespace, ipv4, ipv6 }: NetworkHost): Promise<void> {
  // A new namespace inherits IPv4 settings from the machine: the lab's hosts are all alike and as the kernel
  // makes them, also where the machine is a router. Before any link comes up, so that each gets them.
  const settings = ['all', 'default'].flatMap((scope) => [
    ...['forwarding', 'rp_filter', 'arp_ignore', 'arp_announce', 'arp_notify', 'promote_secondaries'].map(
      (name) => `net.ipv4.conf.${scope}.${name}=0`,
    ),
    `net.ipv6.conf.${scope}.disable_ipv6=0`,
    `net.ipv6.conf.${scope}.accept_ra=0`,
  ]);
  const interfaces = ['lo', 'eth0'].map((name) => `net.ipv6.conf.${name}.disable_ipv6=0`);
  await run('ip', ['netns', 'exec', namespace, 'sysctl', '-q', '-w', ...settings, ...interfaces]);
  await ipBatch(
    [
      'link set lo up',
      'link set eth0 up',
      `address add ${ipv4}/24 dev eth0`,
      `address add ${ipv6}/64 dev eth0 nodad`,
    ],
    namespace,
  );
}
