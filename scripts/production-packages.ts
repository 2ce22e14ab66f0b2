import { readFileSync } from 'node:fs';

/** One npm package that is shipped with yaim, on some platform at least. */
export interface ProductionPackage {
  /** Where it lies, from the project's root. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly integrity: string;
  readonly hasInstallScript: boolean;
}

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly os?: readonly string[];
}

/** What package-lock.json says is needed at run time on Linux; in order of names. */
export function productionPackages(): readonly ProductionPackage[] {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  const locked = Object.entries<Locked>(lock.packages);
  return locked
    .filter(
      ([path, { dev, os }]) => path !== '' && dev !== true && (os === undefined || os.includes('linux')),
    )
    .map(([path, { version, license = 'none', integrity = '', hasInstallScript = false }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { path, name, version, license, integrity, hasInstallScript };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
