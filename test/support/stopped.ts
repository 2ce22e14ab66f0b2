import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A safety net: it takes as long as the machine takes to let a thread run. */
const PATIENCE_MS = 30_000;

/**
 * Returns when a process that was sent SIGSTOP stands still, or has ended. It goes on with all its other threads until
 * the one that takes the signal has had its turn, on a busy machine for long enough to answer.
 */
export function untilStopped(pid: number): void {
  const limit = performance.now() + PATIENCE_MS;
  while (!isStopped(pid)) {
    if (performance.now() > limit) throw new Error(`the process ${pid} goes on in spite of SIGSTOP`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      // proc_pid_stat(5): behind the name, which may contain anything, comes the state.
      return /^[TtZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
    });
  } catch (error) {
    // A thread, or all of it, ended while it was read.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
    return !existsSync(`/proc/${pid}`);
  }
}
