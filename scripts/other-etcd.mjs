/**
 * etcd as Debian releases other than this machine's have it, unpacked below .cache: the tests run with each. Nothing is
 * installed, and apt's own lists and caches are not touched. Plain JavaScript for Node 18 and newer.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** etcd's minor version → the Debian release that has it. */
export const releases = { 3.4: 'bookworm', 3.5: 'trixie' };

/** Debian signs each release with keys that the machine got with this package. */
const keyrings = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/debian-archive-keyring.pgp',
];

/**
 * Gets every version that is neither installed nor there from an earlier run.
 * @param cache the directory for them, each in etcd-<version>
 * @param step runs a long command: (title, [command, ...args], options)
 * @param fail makes the error for what the user can do something about
 */
export async function fetchOtherEtcds({ cache, step, fail }) {
  for (const [version, release] of Object.entries(releases)) {
    const target = join(cache, `etcd-${version}`);
    if (version === installedVersion() || existsSync(target)) continue;
    const mirrors = await debianMirrors({ step, fail });
    const work = `${target}.part`;
    rmSync(work, { recursive: true, force: true });
    try {
      await unpack({ work, release, mirrors, step, fail });
      // Whole or not at all: a run that is interrupted leaves nothing that looks finished.
      renameSync(join(work, 'root'), target);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
}

function installedVersion() {
  const { stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  return /^etcd Version: (\d+\.\d+)\./m.exec(stdout ?? '')?.[1];
}

async function unpack({ work, release, mirrors, step, fail }) {
  const within = (...names) => join(work, ...names);
  for (const names of [['lists', 'partial'], ['cache', 'archives', 'partial'], ['packages'], ['root']])
    mkdirSync(within(...names), { recursive: true });
  const keyring = keyrings.find((path) => existsSync(path));
  if (keyring === undefined) throw fail(`${keyrings[0]} is missing: apt-get install debian-archive-keyring`);
  const entries = mirrors.map((uri) => `deb [signed-by=${keyring}] ${uri} ${release} main\n`);
  writeFileSync(within('sources.list'), entries.join(''));
  const settings = {
    'Dir::Etc::sourcelist': within('sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': within('lists'),
    'Dir::Cache': within('cache'),
    // The user _apt need not be able to get into the checkout.
    'APT::Sandbox::User': 'root',
  };
  const apt = [
    'apt-get',
    '-q',
    ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
  ];
  await step(`reading what Debian ${release} has`, [...apt, 'update']);
  const download = [...apt, 'download', 'etcd-server', 'etcd-client'];
  await step(`getting etcd of Debian ${release}`, download, { cwd: within('packages') });
  for (const name of readdirSync(within('packages')))
    await step(`unpacking ${name}`, ['dpkg', '-x', within('packages', name), within('root')]);
}

/** Where this machine's own sources get its own Debian release from. */
async function debianMirrors({ step, fail }) {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const wanted = `Debian ${codename} main `;
  const format = '$(LABEL) $(RELEASE) $(COMPONENT) $(REPO_URI)';
  const ask = () => {
    const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' });
    const lines = (stdout ?? '').split('\n').filter((line) => line.startsWith(wanted));
    return [...new Set(lines.map((line) => line.slice(wanted.length)))];
  };
  // The label is known of lists only that were fetched, and images come without.
  if (ask().length === 0) await step('apt-get update', ['apt-get', '-q', 'update']);
  const mirrors = ask();
  if (mirrors.length > 0) return mirrors;
  throw fail(
    `apt's sources on this machine have no Debian ${codename} main: where from to get another etcd?`,
  );
}
