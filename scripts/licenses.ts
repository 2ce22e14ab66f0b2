import { readFileSync, writeFileSync } from 'node:fs';
import { productionPackages } from './production-packages.ts';

/** node scripts/licenses.ts [--check]: docs/third-party-licenses.md, and that nothing is shipped under other licences. */

export const LICENSES_FILE = new URL('../docs/third-party-licenses.md', import.meta.url);

/** Licences under which yaim may ship a package in source and binary form, with its notice: nothing else is asked. */
const ACCEPTED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
]);

/** Packages whose licence is not accepted, each with what it says. */
export function refusedLicenses(packages: readonly { readonly name: string; readonly license: string }[]) {
  return packages
    .filter(({ license }) => !ACCEPTED.has(license))
    .map(({ name, license }) => `${name}: ${license}`);
}

/** The list as Markdown, made from package-lock.json. */
export function renderLicenses(): string {
  const rows = productionPackages().map(
    ({ name, version, license }) => `| ${name} | ${version} | ${license} |`,
  );
  return [
    '# Third-party licences',
    '',
    'The npm packages that yaim ships with, by `package-lock.json`; `npm run licenses` makes this list, and `npm run check`',
    `refuses any licence but ${[...ACCEPTED].join(', ')}. Each package has its licence text in its directory`,
    '(`node_modules/<name>`; in the Debian package `/usr/lib/yaim/node_modules/<name>`), and the code of all but koffi is part of',
    '`dist`. The Debian package also has Node.js',
    '(MIT, with the licences of its parts in `/usr/lib/yaim/LICENSE.node`).',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...[...new Set(rows)],
    '',
  ].join('\n');
}

function main(isCheck: boolean): void {
  const refused = refusedLicenses(productionPackages());
  if (refused.length > 0) {
    console.error(`licences that are not accepted (scripts/licenses.ts):\n${refused.join('\n')}`);
    process.exitCode = 1;
  }
  const rendered = renderLicenses();
  if (!isCheck) writeFileSync(LICENSES_FILE, rendered);
  else if (readFileSync(LICENSES_FILE, 'utf8') !== rendered) {
    console.error('docs/third-party-licenses.md is stale: run `npm run licenses`');
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv.includes('--check'));
