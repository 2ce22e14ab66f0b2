/**
 * node scripts/setup.mjs [--test] [--bench]: makes a bare Debian machine able to run the demo, with --test also the
 * tests, with --bench the measurements.
 * Does only what is missing. Plain JavaScript for Node 18 and newer, since it runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchOtherEtcds } from './other-etcd.mjs';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const root = fileURLToPath(new URL('..', import.meta.url));

/** Debian package → what it is for. */
const packages = {
  iproute2: 'network namespaces are the lab’s hosts, and `ip` says what is on them',
  'util-linux': 'setpriv and unshare start the lab’s servers, chrt keeps its clock exact',
  procps: 'sysctl sets the lab’s hosts up',
  'iputils-arping': 'the client of the demo asks with it who has an address',
  'etcd-server': 'the store',
  'etcd-client': 'etcdctl',
  postgresql: 'the database of each host',
  pgbouncer: 'the pooler before it, which yaim checks',
};
const testPackages = {
  podman: 'builds the image and runs it',
  runc: 'what podman runs containers with',
  mmdebstrap: 'makes what the image is built on, as no registry is asked',
  systemd: 'rates the unit',
  strace: 'stalls a disk in tests',
  prometheus: 'promtool checks the alert rules; nothing of it is started',
  chromium: 'the page is tested in it',
};
const benchPackages = {
  fping: 'the client of npm run bench, who asks addresses every few milliseconds',
  tcpdump: 'tells when that client was answered, and by whom',
};
/** What npm run bench measures beside yaim. It names those that cannot be had. */
const peerPackages = {
  keepalived: 'moves addresses by VRRP',
  'vip-manager': "moves an address after Patroni's leader key",
};

/** What the user can do something about: told without a stack. */
class SetupError extends Error {
  exitStatus = 1;
}

const isForTests = process.argv.includes('--test');
const isForBench = process.argv.includes('--bench');
try {
  checkMachine();
  await allDone(prepareMachine(), prepareProject());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = error.exitStatus;
}

async function prepareMachine() {
  await installPackages({
    ...packages,
    ...(isForTests ? testPackages : {}),
    ...(isForBench ? benchPackages : {}),
  });
  if (isForBench) await installPeers();
  checkNamespaces();
  if (isForTests)
    await fetchOtherEtcds({ cache: join(root, '.cache'), step, fail: (text) => new SetupError(text) });
}

async function prepareProject() {
  await installModules();
  checkNode();
  await build();
}

/** Also when one of them fails, the others come to their end: a package half installed is no state to leave. */
async function allDone(...works) {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function checkMachine() {
  if (process.platform !== 'linux') {
    throw new SetupError(
      `this is ${process.platform}, but yaim manages addresses of Linux hosts, and its demo and tests make such ` +
        'hosts of network namespaces. Run it on Linux (Debian 12 or newer), in a virtual machine for example.',
    );
  }
  if (process.getuid() !== 0) {
    throw new SetupError(
      'you are not root, but network namespaces, addresses and packages need it. Run it as root, in a throwaway ' +
        'virtual machine for example: sudo npm start.',
    );
  }
  if (!succeeds('apt-get', '--version') || !succeeds('dpkg-query', '--version')) {
    throw new SetupError(
      'there is no apt-get here, but the servers of the demo and the tests come from Debian. Run it on Debian 12 ' +
        `or newer. What is needed: ${Object.keys(packages).join(', ')}.`,
    );
  }
}

async function installPackages(wanted) {
  const query = spawnSync(
    'dpkg-query',
    ['--show', '--showformat', `\${db:Status-Status} \${Package}\n`, ...Object.keys(wanted)],
    { encoding: 'utf8' },
  );
  const installed = new Set(query.stdout.split('\n').map((line) => /^installed (.*)$/.exec(line)?.[1]));
  const missing = Object.keys(wanted).filter((name) => !installed.has(name));
  if (missing.length === 0) return;
  for (const name of missing) console.error(`setup: needs the Debian package ${name}: ${wanted[name]}`);
  const apt = (...args) => ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await step('apt-get update', apt('update'), { env });
  await withoutServices(() =>
    step(`installing ${missing.join(' ')}`, apt('install', '--no-install-recommends', ...missing), { env }),
  );
}

/** One after the other: without one of them there is still something to measure. */
async function installPeers() {
  for (const [name, purpose] of Object.entries(peerPackages)) {
    try {
      await installPackages({ [name]: purpose });
    } catch (error) {
      if (!(error instanceof SetupError) || error.exitStatus > 128) throw error;
      console.error(`setup: goes on without ${name}: ${error.message}`);
    }
  }
}

/** Packages must not start services here: the lab starts what it needs itself. See invoke-rc.d(8). */
async function withoutServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  const text = '#!/bin/sh\n# Made by scripts/setup.mjs of yaim while it installs packages.\nexit 101\n';
  // One with our text was left by a run of ours that was killed.
  const ours = !existsSync(policy) || readFileSync(policy, 'utf8') === text;
  if (ours) writeFileSync(policy, text, { mode: 0o755 });
  try {
    await install();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

function checkNamespaces() {
  const { status, stderr } = spawnSync('unshare', ['--net', '--mount', '--ipc', 'true'], {
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new SetupError(
    `this machine does not let root make namespaces, which are the lab's hosts (${stderr.trim()}). ` +
      'In a container it takes CAP_SYS_ADMIN and CAP_NET_ADMIN, as with --privileged.',
  );
}

async function installModules() {
  if (modulesMatch()) return;
  // Without the folder that npm is about to replace: it must not run on the node from in there.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !entry.endsWith('node_modules/.bin'));
  const env = { ...process.env, PATH: path.join(delimiter) };
  await step('npm ci', ['npm', 'ci', '--include=dev', '--no-audit', '--no-fund'], { env });
}

/** Whether what npm noted of its last installation is what package-lock.json asks for. */
function modulesMatch() {
  const wanted = readPackages('package-lock.json');
  const present = readPackages('node_modules/.package-lock.json');
  if (present === undefined || !existsSync(join(root, 'node_modules/node/bin/node'))) return false;
  const same = (path) => present[path]?.version === wanted[path].version;
  // Optional ones are for other platforms.
  return Object.keys(wanted).every(
    (path) => path === '' || same(path) || isOptional(wanted[path], present[path]),
  );
}

function isOptional(wanted, present) {
  return present === undefined && (wanted.optional === true || wanted.devOptional === true);
}

function readPackages(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

function checkNode() {
  const node = join(root, 'node_modules/.bin/node');
  const { stdout, error } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  const major = Number(/^v(\d+)/.exec(stdout ?? '')?.[1]);
  if (major >= 24) return;
  const found = error === undefined ? `is ${stdout.trim() || 'broken'}` : `cannot be started (${error.code})`;
  throw new SetupError(
    `yaim runs on Node 24 and newer, but ${node} ${found}. The npm package "node" puts it there by its install ` +
      'script: is that switched off (npm config get ignore-scripts), or did it fail? Then: npm rebuild node.',
  );
}

async function build() {
  const sources = newest(join(root, 'src'), 'scripts/build.ts', 'package.json', 'package-lock.json');
  const main = join(root, 'dist/main.js');
  if (existsSync(main) && statSync(main).mtimeMs >= sources) return;
  await step('npm run build', ['npm', 'run', 'build']);
}

/** When the newest file or directory changed: a directory does when a file in it is removed. */
function newest(directory, ...files) {
  const entries = readdirSync(directory, { withFileTypes: true });
  const times = [directory, ...files.map((file) => join(root, file))].map((path) => statSync(path).mtimeMs);
  for (const entry of entries) {
    const path = join(directory, entry.name);
    times.push(entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return Math.max(...times);
}

/** Runs a command that takes its time; what it says is shown only when it fails. */
async function step(title, [command, ...args], options = {}) {
  const started = Date.now();
  console.error(`setup: ${title} …`);
  const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  // This process outlives the command, to clear up behind it.
  let interruption;
  const interrupt = (signal) => {
    interruption = signal;
    child.kill(signal);
  };
  for (const signal of signals) process.on(signal, interrupt);
  const result = await new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (status, signal) => resolve(signal ?? status));
  });
  for (const signal of signals) process.off(signal, interrupt);
  if (interruption !== undefined) {
    const error = new SetupError(`interrupted by ${interruption}`);
    throw Object.assign(error, { exitStatus: 128 + constants.signals[interruption] });
  }
  if (result !== 0) {
    process.stderr.write(output);
    throw new SetupError(`${[command, ...args].join(' ')} failed with ${result}; its output is above`);
  }
  console.error(`setup: ${title}: done in ${Math.ceil((Date.now() - started) / 1000)} s`);
}

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
