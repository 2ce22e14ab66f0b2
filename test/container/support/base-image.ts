import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * A stand-in for the image that the Dockerfile is built on, since no registry is asked: Debian's own minimal system of
 * the same release, with the Node that the tests run on and npm, and like that image without certificates.
 */

const root = resolve(import.meta.dirname, '../../..');
const KEYRINGS = ['gpg', 'pgp'].map((end) => `/usr/share/keyrings/debian-archive-keyring.${end}`);
/** It took 31 to 45 s, and once 175 s. */
const LIMIT_MS = 180_000;

/** The base that the Dockerfile names, as `node:24-trixie-slim`. */
export function baseName(): string {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const names = new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, name]) => name));
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) throw new Error(`not one base: ${[...names].join(', ')}`);
  return name;
}

/** The stand-in as a tar file in .cache: from an earlier run, or made now; by one of those who ask at the same time. */
export function baseArchive(): string {
  const file = archiveFile();
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file)) run('flock', [`${file}.lock`, process.execPath, import.meta.filename]);
  return file;
}

function archiveFile(): string {
  return join(root, '.cache', `base-${baseName().replaceAll(/[^\w.-]/g, '-')}.tar`);
}

/** Whole or not at all. */
function makeArchive(): void {
  const file = archiveFile();
  if (existsSync(file)) return;
  const work = `${file}.part`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    collectNode(join(work, 'node'));
    // Once more: mirrors hiccup.
    const error = bootstrap(work) === undefined ? undefined : bootstrap(work);
    if (error !== undefined) throw new Error(error);
    renameSync(join(work, 'base.tar'), file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** node and npm of this machine as the image has them, below /usr/local. */
function collectNode(directory: string): void {
  const npm = dirname(dirname(realpathSync(run('sh', ['-c', 'command -v npm']).trim())));
  for (const path of ['usr/local/bin', 'usr/local/lib/node_modules'])
    mkdirSync(join(directory, path), { recursive: true });
  run('cp', ['--dereference', process.execPath, join(directory, 'usr/local/bin/node')]);
  run('cp', ['--recursive', npm, join(directory, 'usr/local/lib/node_modules/npm')]);
  run('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(directory, 'usr/local/bin/npm')]);
}

/** The error's text, or undefined. */
function bootstrap(work: string): string | undefined {
  const suite = baseName().split('-')[1] ?? '';
  const keyring = KEYRINGS.find((path) => existsSync(path));
  if (keyring === undefined) return `${KEYRINGS[0]} is missing: apt-get install debian-archive-keyring`;
  const sources = mirrors().map((uri) => `deb [signed-by=${keyring}] ${uri} ${suite} main`);
  const { status, stderr, error } = spawnSync(
    'mmdebstrap',
    [
      '--quiet',
      '--mode=root',
      '--variant=minbase',
      '--dpkgopt=force-unsafe-io',
      // The user _apt need not be able to get into the checkout.
      '--aptopt=APT::Sandbox::User "root"',
      `--customize-hook=sync-in ${join(work, 'node')} /`,
      '--customize-hook=chroot "$1" useradd --uid 1000 --create-home node',
      suite,
      join(work, 'base.tar'),
      ...sources,
    ],
    { encoding: 'utf8', timeout: LIMIT_MS },
  );
  return status === 0 ? undefined : `mmdebstrap ${suite}: ${error?.message ?? stderr}`;
}

/** Where this machine's own sources get Debian from. */
function mirrors(): readonly string[] {
  const format = '$(LABEL) $(COMPONENT) $(REPO_URI)';
  const ask = (): readonly string[] => {
    const lines = run('apt-get', ['indextargets', '--format', format]).split('\n');
    const uris = lines.filter((line) => line.startsWith('Debian main ')).map((line) => line.slice(12));
    return [...new Set(uris)];
  };
  // The label is known of lists only that were fetched.
  if (ask().length === 0) run('apt-get', ['-q', 'update']);
  const uris = ask();
  if (uris.length === 0)
    throw new Error('the sources of apt have no Debian main: what should the base be made of?');
  return uris;
}

function run(command: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

if (import.meta.main) makeArchive();
