import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { productionPackages } from './production-packages.ts';
import { makeSbom } from './sbom.ts';

/**
 * node scripts/package-deb.ts [--directory DIR] [--version VERSION] [--level N]: yaim_<version>_<arch>.deb from `dist`, with
 * the Node that `npm ci` brought, since Debian's own is older. Needs dpkg-deb and no other tool of Debian's.
 */

const root = join(import.meta.dirname, '..');
const { version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export interface DebOptions {
  readonly directory: string;
  readonly version?: string;
  /** zstd's: 19 is small and takes more than a minute. 0: not compressed at all. */
  readonly level?: number;
}

/** Builds the package and answers with its path. */
export function packageDeb({ directory, level = 19, ...options }: DebOptions): string {
  const stage = mkdtempSync(join(tmpdir(), 'yaim-deb-'));
  try {
    const debVersion = options.version ?? version;
    chmodSync(stage, 0o755);
    putProgram(stage, debVersion);
    putDocuments(stage);
    putSystem(stage);
    putControl(stage, debVersion);
    const file = `yaim_${debVersion}_${architecture()}.deb`;
    const compression = level === 0 ? ['-Znone'] : ['-Zzstd', `-z${level}`];
    const settings = ['--root-owner-group', ...compression];
    execFileSync('dpkg-deb', [...settings, '--build', stage, join(stage, '..', file)], { stdio: 'pipe' });
    mkdirSync(directory, { recursive: true });
    // Across file systems there is no rename.
    copyFileSync(join(stage, '..', file), join(directory, `${file}.new`));
    rmSync(join(stage, '..', file));
    renameSync(join(directory, `${file}.new`), join(directory, file));
    return join(directory, file);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Where the npm package `node` has the one for this processor. */
const NODE_PACKAGE = `node_modules/node/node_modules/node-linux-${process.arch}`;

/** /usr/lib/yaim: the runtime, the program, the library that it loads, and the licences of those that are in it. */
function putProgram(stage: string, debVersion: string): void {
  const home = join(stage, 'usr/lib/yaim');
  // Not stripped: that would save a seventh and cost the names in a crash's stack.
  put(join(home, 'bin/node'), readFileSync(join(root, NODE_PACKAGE, 'bin/node')), 0o755);
  put(join(home, 'LICENSE.node'), readFileSync(join(root, NODE_PACKAGE, 'LICENSE')));
  cpSync(join(root, 'dist'), join(home, 'dist'), { recursive: true, filter: isNoDeclaration });
  put(join(home, 'package.json'), JSON.stringify({ name: 'yaim', version: debVersion, type: 'module' }));
  for (const { path } of productionPackages()) {
    const source = join(root, path);
    // Those for other processors are not installed.
    if (!existsSync(source)) continue;
    const nested = join(source, 'node_modules');
    const filter = (file: string) => file !== nested && isNeeded(relative(source, file), LOADED.test(path));
    cpSync(source, join(home, path), { recursive: true, filter });
  }
  put(join(stage, 'usr/bin/yaim'), LAUNCHER, 0o755);
}

const LAUNCHER = `#!/bin/sh
exec /usr/lib/yaim/bin/node /usr/lib/yaim/dist/main.js "$@"
`;

function isNoDeclaration(path: string): boolean {
  return !path.endsWith('.d.ts');
}

/** What is not in the program itself: scripts/build.ts leaves it out. */
const LOADED = /\/(koffi|@koromix)/;

/** Licences stay, whatever they are called. */
function isNeeded(path: string, isLoaded: boolean): boolean {
  if (/licen[cs]e|copying|notice/i.test(basename(path)) || ['', 'package.json'].includes(path)) return true;
  return isLoaded && !/^(docs|tests?|vendor)$|\.(md|map|ts|mts|cts)$/.test(path);
}

/** Manual, completions, what has changed, whose work it is, and what it is made of. */
function putDocuments(stage: string): void {
  const share = join(stage, 'usr/share');
  put(join(share, 'man/man1/yaim.1.gz'), gzip(readFileSync(join(root, 'man/yaim.1'))));
  const main = join(root, 'dist/main.js');
  const completion = (shell: string) => execFileSync(process.execPath, [main, 'completion', shell]);
  put(join(share, 'bash-completion/completions/yaim'), completion('bash'));
  put(join(share, 'zsh/vendor-completions/_yaim'), completion('zsh'));
  put(join(share, 'fish/vendor_completions.d/yaim.fish'), completion('fish'));
  const documents = join(share, 'doc/yaim');
  put(join(documents, 'copyright'), readFileSync(join(root, 'LICENSE')));
  put(join(documents, 'changelog.gz'), gzip(readFileSync(join(root, 'CHANGELOG.md'))));
  put(join(documents, 'README.md'), readFileSync(join(root, 'README.md')));
  put(join(documents, 'third-party-licenses.md'), readFileSync(join(root, 'docs/third-party-licenses.md')));
  put(join(documents, 'sbom.cdx.json'), `${JSON.stringify(makeSbom(nodeVersion()), null, 2)}\n`);
}

function putSystem(stage: string): void {
  put(join(stage, 'usr/lib/systemd/system/yaim.service'), readFileSync(join(root, 'packaging/yaim.service')));
  const schema = '# yaml-language-server: $schema=/usr/lib/yaim/yaim.schema.json';
  const config = readFileSync(join(root, 'yaim.yml'), 'utf8').replace(/^# yaml-language-server:.*$/m, schema);
  // It may hold passwords: from the very first moment nobody else reads it.
  put(join(stage, 'etc/yaim/yaim.yml'), config, 0o640);
  put(join(stage, 'usr/lib/yaim/yaim.schema.json'), readFileSync(join(root, 'yaim.schema.json')));
}

function putControl(stage: string, debVersion: string): void {
  const kib = execFileSync('du', ['--summarize', '--block-size=1K', stage], { encoding: 'utf8' }).split(
    '\t',
  )[0];
  const [synopsis = '', ...rest] = description.split(': ');
  const control = [
    'Package: yaim',
    `Version: ${debVersion}`,
    `Architecture: ${architecture()}`,
    'Maintainer: the yaim maintainers <yaim@localhost>',
    'Section: net',
    'Priority: optional',
    // What the runtime is linked with, and what makes the user.
    'Depends: libc6 (>= 2.28), libstdc++6 (>= 11), passwd',
    // For the operator who looks in.
    'Recommends: iproute2',
    'Suggests: etcd-client',
    `Installed-Size: ${kib}`,
    `Description: ${synopsis}`,
    ` ${rest.join(': ')}.`,
  ];
  put(join(stage, 'DEBIAN/control'), `${control.join('\n')}\n`);
  put(join(stage, 'DEBIAN/conffiles'), '/etc/yaim/yaim.yml\n');
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(join(stage, 'DEBIAN', script), readFileSync(join(root, 'packaging/debian', script)), 0o755);
}

function put(path: string, content: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** Without a time stamp: the same input makes the same file. */
function gzip(content: Uint8Array): Uint8Array {
  return gzipSync(content, { level: 9 });
}

function nodeVersion(): string {
  return JSON.parse(readFileSync(join(root, NODE_PACKAGE, 'package.json'), 'utf8')).version;
}

function architecture(): string {
  return execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      directory: { type: 'string', default: root },
      version: { type: 'string' },
      level: { type: 'string', default: '19' },
    },
  });
  const { directory, level, version: wanted } = values;
  const file = packageDeb({
    directory,
    level: Number(level),
    ...(wanted === undefined ? {} : { version: wanted }),
  });
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
}
