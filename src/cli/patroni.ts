import type { Keys } from '../domain/keys.ts';
import { type Etcd, EtcdError } from '../etcd/api.ts';
import { CommandError, EXIT } from './exit.ts';

/** Patroni's own keys, directly below its scope. */
const PATRONI_KEYS = ['leader', 'config', 'initialize'] as const;

/**
 * Refuses a `service` that is a Patroni scope: two programs would write into one directory. An etcd that does not
 * answer now is no reason to refuse.
 * @throws CommandError with status 78
 */
export async function refusePatroni(etcd: Pick<Etcd, 'range'>, keys: Keys): Promise<void> {
  try {
    for (const name of PATRONI_KEYS) {
      const { keyValues } = await etcd.range(`${keys.prefix}${name}`);
      if (keyValues.length > 0) throw patroni(`${keys.prefix}${name}`);
    }
    const { keyValues } = await etcd.range(`${keys.prefix}members/`, 'prefix');
    if (keyValues[0] !== undefined) throw patroni(keyValues[0].key);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
  }
}

function patroni(key: string): CommandError {
  return new CommandError(
    EXIT.config,
    `service: Patroni has its key ${key} there; give yaim a prefix of its own, such as ${key.replace(/\/[^/]+\/?$/, '')}/yaim`,
  );
}
