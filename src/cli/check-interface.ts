import { monotonicScheduler } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Cluster } from '../domain/cluster.ts';
import type { Kernel } from '../domain/kernel.ts';
import { placementOf } from '../domain/placement.ts';
import { listKernel } from '../kernel/list-kernel.ts';
import { EXIT } from './exit.ts';
import type { Finding } from './finding.ts';
import { count, shortList } from './text.ts';

const SUBJECT = 'interface';

/** Whether the interface is there, and where each address of the pool would go on this host. */
export async function checkInterface(
  config: Config,
  cluster: Cluster | undefined,
): Promise<readonly Finding[]> {
  let kernel: Kernel;
  try {
    kernel = await listKernel({ now: () => monotonicScheduler.now() });
  } catch (error) {
    const text = `the kernel does not tell its addresses: ${(error as Error).message}`;
    return [{ subject: SUBJECT, verdict: 'FAILED', text, status: EXIT.unreachable }];
  }
  const pool = [...(cluster?.pool.values() ?? [])].filter(
    ({ options }) => options.node === undefined || options.node === config.nodename,
  );
  const settings = { ...config, interface: config.interface ?? null };
  const goingTo = new Map<string, string[]>();
  const problems = new Map<string, string[]>();
  for (const { address, options } of pool) {
    const placement = placementOf(address, options, settings, kernel);
    const isPlaced = 'interface' in placement;
    const [group, key] = isPlaced ? [goingTo, placement.interface] : [problems, placement.problem];
    group.set(key, [...(group.get(key) ?? []), address]);
  }
  const own = checkOwn(config, kernel);
  const isTold = own.verdict === 'FAILED' || goingTo.size === 0;
  return [
    ...(isTold && !(own.verdict === 'ok' && problems.size > 0) ? [own] : []),
    ...[...goingTo].map(([name, addresses]): Finding => {
      const text = `${name} is up and can take ${count(addresses.length, 'address', 'addresses')} of the pool`;
      return { subject: SUBJECT, verdict: 'ok', text };
    }),
    ...[...problems]
      .filter(([problem]) => own.verdict !== 'FAILED' || !own.text.startsWith(problem))
      .map(([problem, addresses]): Finding => {
        const text = `${shortList(addresses)}: ${problem}`;
        return { subject: SUBJECT, verdict: 'FAILED', text, status: statusOf(problem) };
      }),
  ];
}

/** The interface for addresses of which nothing else is known: the configured one, or the default route's. */
function checkOwn({ interface: configured }: Config, kernel: Kernel): Finding {
  const name = configured ?? kernel.routes.find(({ subnet }) => subnet === 'default')?.interface;
  if (name === undefined) {
    const text = 'there is no default route: addresses go where a route leads to them, or set "interface"';
    return { subject: SUBJECT, verdict: 'warning', text };
  }
  const link = kernel.links.get(name);
  if (link?.up === true) {
    const how = configured === undefined ? ' (by the default route)' : '';
    return { subject: SUBJECT, verdict: 'ok', text: `${name} is up${how}` };
  }
  const text =
    link === undefined ? `there is no interface ${name}; see "interface"` : `interface ${name} is down`;
  return { subject: SUBJECT, verdict: 'FAILED', text, status: statusOf(text) };
}

/** What is down can come up by itself; all else is a matter of configuration. */
function statusOf(problem: string): number {
  return problem.endsWith('is down') ? EXIT.unreachable : EXIT.config;
}
