import { relative, resolve } from 'node:path';
import { styleText } from 'node:util';
import type { EtcdEntry } from '../../test/lab/support/etcd.ts';
import type { Lab, LabHost } from '../../test/lab/support/lab.ts';
import { mainFile } from '../../test/support/yaim-command.ts';
import { restartDelayMs } from './supervise.ts';

const root = resolve(import.meta.dirname, '../..');

/** The lines of the live view. */
export function render(lab: Lab, keys: readonly EtcdEntry[], happened: readonly string[]): string[] {
  return [
    bold('yaim: three database hosts share a pool of addresses') +
      dim('   Ctrl-C ends it and takes all of it away'),
    '',
    ...lab.hosts.map((host) => hostLine(lab, keys, host)),
    ...unheldLine(lab, keys),
    '',
    bold('What happened, newest first'),
    ...happened.map((line) => `  ${line}`),
    '',
  ];
}

/** What to try, with commands to copy. */
export function renderHints(lab: Lab): string[] {
  return [
    bold('Try this in another terminal, as root') +
      dim(` (what dies is started again after ${restartDelayMs / 1000} s)`),
    ...hints(lab),
  ];
}

function hostLine(lab: Lab, keys: readonly EtcdEntry[], host: LabHost): string {
  const held = lab.judge.addressesOf(host.name);
  const advertised = keys.some(({ key }) => key === `${lab.service}/nodes/${host.name}`);
  const dead = [host.agent, host.pgbouncer, host.postgres].filter((server) => server?.running === false);
  const names = dead.map((server) => server?.name.replace(/ of .*/, '')).join(' and ');
  const state = names !== '' ? `no ${names}` : advertised ? 'healthy' : 'not healthy';
  const paint = advertised && names === '' ? green : red;
  const mark = advertised ? '●' : '○';
  return `  ${bold(host.name)}  ${paint(`${mark} ${state.padEnd(24)}`)} ${held.length}  ${held.join('  ')}`;
}

function unheldLine(lab: Lab, keys: readonly EtcdEntry[]): string[] {
  const prefix = `${lab.service}/ips/`;
  const pool = keys.map(({ key }) => key).filter((key) => key.startsWith(prefix) && !key.endsWith('/marked'));
  const held = new Set(lab.hosts.flatMap(({ name }) => lab.judge.addressesOf(name)));
  const unheld = pool.map((key) => key.slice(prefix.length)).filter((address) => !held.has(address));
  return unheld.length === 0
    ? ['']
    : [`  ${red('on no host'.padEnd(32))} ${unheld.length}  ${unheld.join('  ')}`];
}

function hints(lab: Lab): string[] {
  const [one, two, three] = lab.hosts;
  if (one === undefined || two === undefined || three === undefined) return [];
  const etcdctl = `ip netns exec ${lab.client.namespace} env ETCDCTL_API=3 etcdctl --endpoints ${lab.etcd.endpoints.join(',')}`;
  const key = `${lab.service}/ips/10.77.0.110`;
  const switchNamespace = lab.client.namespace.replace(/client$/, 'switch');
  const program = relative(root, mainFile);
  const status = `node_modules/.bin/node ${program} status --config ${one.agent.configFile}`;
  return [
    hint('break the database of db1', killLine([one.pgbouncer])),
    hint('kill yaim on db2', killLine([two.agent])),
    hint('pull the cable of db3', `ip -n ${switchNamespace} link set db3 down    ${dim('# … up')}`),
    hint('add an address', `${etcdctl} put ${key} ""`),
    hint('remove it', `${etcdctl} del ${key}`),
    hint('be a client', `ip netns exec ${lab.client.namespace} arping -c 3 -I eth0 10.77.0.101`),
    hint('ask yaim', `ip netns exec ${one.namespace} ${status}`),
  ];
}

function killLine(servers: readonly LabHost['pgbouncer'][]): string {
  const pids = servers.filter(({ running }) => running).map(({ process: { pid } }) => pid);
  return pids.length === 0 ? dim('(it is dead already)') : `kill -9 ${pids.join(' ')}`;
}

function hint(what: string, command: string): string {
  return `  ${dim(what.padEnd(26))} ${command}`;
}

const bold = (text: string) => styleText('bold', text);
const dim = (text: string) => styleText('dim', text);
const green = (text: string) => styleText('green', text);
const red = (text: string) => styleText('red', text);
