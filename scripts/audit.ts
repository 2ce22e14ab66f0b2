import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * node scripts/audit.ts: known weaknesses of what is shipped. Ends with 1 for one of high level or worse that is not
 * explained here. A registry that has no such service, or cannot be reached, is told about and is no failure.
 */

const root = join(import.meta.dirname, '..');

/** Advisory → why it does not concern yaim. */
const EXPLAINED: Readonly<Record<string, string>> = {};

interface Advisory {
  readonly source: number;
  readonly url: string;
  readonly title: string;
  readonly severity: string;
}

export interface AuditReport {
  readonly error?: { readonly summary: string };
  readonly message?: string;
  readonly vulnerabilities?: Readonly<Record<string, { readonly via: readonly (Advisory | string)[] }>>;
}

/** What must be mended or explained, a line each; undefined when the registry did not say. */
export function findings(report: AuditReport, explained = EXPLAINED): readonly string[] | undefined {
  if (report.vulnerabilities === undefined) return undefined;
  return Object.entries(report.vulnerabilities).flatMap(([name, { via }]) =>
    via
      .filter((advisory) => typeof advisory !== 'string')
      .filter(({ severity }) => severity === 'high' || severity === 'critical')
      .filter(({ url }) => explained[url] === undefined)
      .map(({ severity, title, url }) => `${name}: ${severity}: ${title} (${url})`),
  );
}

function main(): number {
  const command = ['audit', '--omit=dev', '--json'];
  const { stdout, error } = spawnSync('npm', command, { cwd: root, encoding: 'utf8', timeout: 60_000 });
  if (error !== undefined) {
    console.error(`npm audit: ${error.message}`);
    return 1;
  }
  const report: AuditReport = JSON.parse(stdout || '{}');
  const found = findings(report);
  if (found === undefined) {
    console.log(
      `not audited: the registry does not answer (${report.error?.summary || report.message || 'no reason given'})`,
    );
    return 0;
  }
  console.log(found.length === 0 ? 'no known weakness of high level or worse' : found.join('\n'));
  return found.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main();
