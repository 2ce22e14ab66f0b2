import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

/*
 * Everything a lab leaves in the system is found by name: namespaces `yaim-<pid>-db1` (the second lab of a
 * process: `yaim-<pid>.2-db1`), and one directory `/tmp/yaim-lab-<pid>` a process, with its like in memory. All processes live in the
 * namespaces. All of this is synchronous, so that it also works while the process exits.
 */

const namespaceDirectory = '/run/netns';
/** Not os.tmpdir(): user postgres must get there, and a Unix socket's path has 107 characters at most. */
const temporaryDirectory = '/tmp';
const directoryPrefix = 'yaim-lab-';
/** What is on no disk on hosts, as all below /run, is on none here: its writes would wait for etcd's, and they for them. */
const memory = '/dev/shm';

/** The directory of this process's labs; made, and signed with its owner, at the first call. */
export function ownDirectory(): string {
  const directory = join(temporaryDirectory, `${directoryPrefix}${process.pid}`);
  if (!exists(directory)) {
    mkdirSync(directory, { mode: 0o755 });
    // In one step: another run that sweeps up would take an owner of whom it reads half for a dead one.
    writeFileSync(join(directory, 'owner.new'), startTime(process.pid) ?? '');
    renameSync(join(directory, 'owner.new'), join(directory, 'owner'));
  }
  return directory;
}

/** Makes a directory below `ownDirectory()` whose files are in memory. */
export function makeInMemory(directory: string): string {
  mkdirSync(inMemory(directory), { recursive: true });
  symlinkSync(inMemory(directory), directory);
  return directory;
}

function inMemory(directory: string): string {
  return join(memory, relative(temporaryDirectory, directory));
}

function removeDirectory(directory: string): void {
  for (const each of [inMemory(directory), directory])
    rmSync(each, { recursive: true, force: true, maxRetries: 3 });
}

export function namespaceName(runId: string, host: string): string {
  return `yaim-${runId}-${host}`;
}

/** Ends and removes what labs left whose process is gone. */
export function sweepLeftovers(): void {
  const owners = new Set([...namespaceOwners(), ...directoryOwners()]);
  for (const pid of owners) if (!ownerLives(pid)) sweepOwner(pid);
}

/** Ends and removes everything of one lab. */
export function sweepLab(runId: string, directory: string): void {
  sweepNamespaces(list(namespaceDirectory).filter((name) => name.startsWith(namespaceName(runId, ''))));
  removeDirectory(directory);
}

/** Ends and removes everything of all labs of one process. */
export function sweepOwner(pid: number): void {
  sweepNamespaces(list(namespaceDirectory).filter((name) => ownerOf(name) === pid));
  removeDirectory(join(temporaryDirectory, `${directoryPrefix}${pid}`));
}

/** The processes that live in the named namespaces. */
export function processesIn(namespaces: readonly string[]): number[] {
  const inodes = new Set(namespaces.map((name) => inode(join(namespaceDirectory, name))));
  return list('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => inodes.has(inode(`/proc/${entry}/ns/net`) ?? -1))
    .map(Number);
}

function sweepNamespaces(namespaces: readonly string[]): void {
  if (namespaces.length === 0) return;
  endProcesses(namespaces);
  for (const name of namespaces) {
    const { status, stderr } = spawnSync('ip', ['netns', 'delete', name], { encoding: 'utf8' });
    // Another run may sweep up at the same time.
    if (status !== 0 && exists(join(namespaceDirectory, name)))
      console.error(`the lab could not remove its namespace ${name}: ${stderr}`);
  }
}

function endProcesses(namespaces: readonly string[]): void {
  // A safety net: who waits for a slow disk ends when that has answered.
  const deadline = performance.now() + 30_000;
  // More than one round: a process may have forked between our look and our signal.
  for (;;) {
    const pids = processesIn(namespaces);
    if (pids.length === 0) return;
    if (performance.now() > deadline) {
      console.error(`the lab's processes ${pids.join(', ')} survive SIGKILL in ${namespaces.join(', ')}`);
      return;
    }
    for (const pid of pids) killIfThere(pid);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function namespaceOwners(): number[] {
  return list(namespaceDirectory).flatMap((name) => ownerOf(name) ?? []);
}

function directoryOwners(): number[] {
  return list(temporaryDirectory)
    .filter((name) => name.startsWith(directoryPrefix))
    .map((name) => Number(name.slice(directoryPrefix.length)))
    .filter(Number.isInteger);
}

function ownerOf(namespace: string): number | undefined {
  const match = /^yaim-(\d+)(\.\d+)?-/.exec(namespace);
  return match === null ? undefined : Number(match[1]);
}

/** A pid may have been given to another process since: its start time tells. */
function ownerLives(pid: number): boolean {
  const started = startTime(pid);
  if (started === undefined) return false;
  try {
    const signed = readFileSync(join(temporaryDirectory, `${directoryPrefix}${pid}`, 'owner'), 'utf8');
    return signed === started;
  } catch {
    // No signature (yet): better leave it alone as long as the process lives.
    return true;
  }
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)), counted behind the name, which may contain anything. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function inode(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  return inode(path) !== undefined;
}
