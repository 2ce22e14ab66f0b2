import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { productionPackages } from './production-packages.ts';

/** node scripts/sbom.ts [FILE]: the bill of materials of what is shipped (CycloneDX), to the file or to stdout. */

const root = join(import.meta.dirname, '..');

export interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: Readonly<Record<string, unknown>> };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

/**
 * npm makes it of the lock file; what is for developers or for other systems than Linux goes. (npm's own `--omit dev` leaves
 * out what is needed by both.)
 * @param runtime the version of the Node that is shipped with yaim
 */
export function makeSbom(runtime?: string): Bom {
  const { name, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const command = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'];
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 } as const;
  const bom: Bom = JSON.parse(execFileSync('npm', command, options));
  // npm names it after the directory.
  const component = { ...bom.metadata.component, type: 'application', name, description };
  const shipped = new Set(productionPackages().map((locked) => `${locked.name}@${locked.version}`));
  const left = bom.components.filter((one) => !shipped.has(`${one.name}@${one.version}`));
  const gone = new Set(left.map((one) => one['bom-ref']));
  return {
    ...bom,
    metadata: { ...bom.metadata, component },
    components: [
      ...bom.components.filter((one) => !gone.has(one['bom-ref'])),
      ...(runtime === undefined ? [] : [nodeComponent(runtime)]),
    ],
    dependencies: bom.dependencies
      .filter(({ ref }) => !gone.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => !gone.has(other)) })),
  };
}

function nodeComponent(version: string): Component {
  return {
    'bom-ref': `node@${version}`,
    type: 'platform',
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
  };
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  const text = `${JSON.stringify(makeSbom(), null, 2)}\n`;
  if (file === undefined) process.stdout.write(text);
  else writeFileSync(file, text);
}
