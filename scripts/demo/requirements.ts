import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mainFile } from '../../test/support/yaim-command.ts';

/** Command → Debian package and what the demo needs it for. */
const commands = {
  ip: 'iproute2, for the hosts, which are network namespaces',
  etcd: 'etcd-server, the store',
  etcdctl: 'etcd-client',
  pgbouncer: 'pgbouncer',
  psql: 'postgresql',
  arping: 'iputils-arping, for the client who asks who has an address',
  setpriv: 'util-linux, to run servers as another user',
  sysctl: 'procps, to set the hosts up',
} as const;

/** What this machine lacks to run the demo, a sentence each; nothing when it is ready. */
export function missingRequirements(): string[] {
  if (process.platform !== 'linux') return [`this is ${process.platform}; the hosts are namespaces of Linux`];
  const missing: string[] = [];
  if (process.getuid?.() !== 0)
    missing.push('you are not root, which network namespaces need: sudo npm start');
  for (const [command, purpose] of Object.entries(commands)) {
    if (!isInstalled(command))
      missing.push(`there is no ${command} (Debian package ${purpose}): npm start installs it`);
  }
  if (!existsSync(mainFile)) missing.push(`there is no agent to run: ${mainFile}`);
  return missing;
}

function isInstalled(command: string): boolean {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.some((directory) => existsSync(join(directory, command)));
}
