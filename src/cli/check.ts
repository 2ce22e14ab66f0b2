import { filter, firstValueFrom, NEVER } from 'rxjs';
import { monotonicScheduler } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import { databaseProbe } from '../streams/database.ts';
import { health$ } from '../streams/health.ts';
import { checkEtcd } from './check-etcd.ts';
import { checkInterface } from './check-interface.ts';
import { CommandError, EXIT } from './exit.ts';
import type { Finding } from './finding.ts';
import { requirePermissions } from './permissions.ts';
import { green, printable, red, yellow } from './text.ts';

const WORDS = { ok: green('ok     '), warning: yellow('warning'), FAILED: red('FAILED ') } as const;

/** Of several kinds of failure the one that must be put right first decides. */
const ORDER: readonly number[] = [EXIT.config, EXIT.permission, EXIT.unreachable];

/** Tries all that the agent will need, a line each, and changes nothing. Resolves with the exit status. */
export async function check(load: () => LoadedConfig): Promise<number> {
  const { config, source, warnings } = loadOrReport(load);
  const findings: Finding[] = [];
  const report = (found: readonly Finding[]): void => {
    for (const finding of found) console.log(line(finding));
    findings.push(...found);
  };
  report([{ subject: 'configuration', verdict: 'ok', text: `${source} is valid` }]);
  report(warnings.map((text) => ({ subject: 'configuration', verdict: 'warning', text })));
  const etcd = await checkEtcd(config);
  report(etcd.findings);
  report([await checkDatabase(config)]);
  report(await checkInterface(config, etcd.cluster));
  report([await checkPermissions()]);
  const failed = findings.filter(({ verdict }) => verdict === 'FAILED').map(({ status }) => status);
  return ORDER.find((status) => failed.includes(status)) ?? (failed.length > 0 ? EXIT.failed : EXIT.done);
}

/** Without a configuration there is nothing to try anything with; what is wrong with it goes to stderr. */
function loadOrReport(load: () => LoadedConfig): LoadedConfig {
  try {
    return load();
  } catch (error) {
    const text = 'it is wrong, so that nothing else was tried';
    console.log(line({ subject: 'configuration', verdict: 'FAILED', text }));
    throw error;
  }
}

function line({ subject, verdict, text }: Finding): string {
  return `${WORDS[verdict]}  ${subject.padEnd(13)}  ${printable(text)}`;
}

async function checkDatabase({ database }: Config): Promise<Finding> {
  const verdict$ = health$(
    { probe: databaseProbe(database), sentinel: () => NEVER, scheduler: monotonicScheduler },
    { intervalMs: 1000, retryNum: 1, retryAfterMs: 0, timeoutMs: database.connectTimeoutMs },
  );
  const verdict = await firstValueFrom(verdict$.pipe(filter((health) => health.kind !== 'unknown')));
  const subject = 'database';
  if (verdict.kind === 'sick') {
    const isLogin = /refused user|of user/.test(verdict.reason);
    const keys = isLogin ? 'pgbouncer_user, pgbouncer_password' : 'pgbouncer_address, pgbouncer_port';
    const text = `${verdict.reason}; see ${keys}`;
    return { subject, verdict: 'FAILED', text, status: EXIT.unreachable };
  }
  const { name, user, address, port } = database;
  const took = Math.max(1, Math.round(verdict.durationMs));
  return {
    subject,
    verdict: 'ok',
    text: `${name} at ${address}, port ${port}, answers user ${user} (${took} ms)`,
  };
}

async function checkPermissions(): Promise<Finding> {
  const subject = 'permissions';
  try {
    requirePermissions();
    return { subject, verdict: 'ok', text: 'CAP_NET_ADMIN and CAP_NET_RAW' };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { subject, verdict: 'FAILED', text: error.message, status: error.status };
  }
}
