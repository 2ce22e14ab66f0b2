import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** One of the etcds that the tests run with. */
export interface EtcdVersion {
  /** Major and minor, as 3.5. */
  readonly name: string;
  /** The programs: names to be looked for in PATH, or paths. */
  readonly server: string;
  readonly control: string;
}

/** Debian 12's and Debian 13's. */
const wanted = ['3.4', '3.5'];
const cache = join(import.meta.dirname, '../../.cache');

/**
 * Every version, the machine's own and the one that `scripts/setup.mjs --test` fetched; throws if one is missing, so
 * that no test passes for want of it.
 */
export function etcdVersions(): readonly EtcdVersion[] {
  const installed: EtcdVersion = { name: versionOf('etcd'), server: 'etcd', control: 'etcdctl' };
  return wanted.map((name) => {
    if (name === installed.name) return installed;
    const programs = join(cache, `etcd-${name}`, 'usr/bin');
    const fetched = { name, server: join(programs, 'etcd'), control: join(programs, 'etcdctl') };
    if (versionOf(fetched.server) !== name)
      throw new Error(`there is no etcd ${name}: node scripts/setup.mjs --test`);
    return fetched;
  });
}

/** Empty when there is none. */
function versionOf(server: string): string {
  try {
    const text = execFileSync(server, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    return /^etcd Version: (\d+\.\d+)\./m.exec(text)?.[1] ?? '';
  } catch {
    return '';
  }
}
