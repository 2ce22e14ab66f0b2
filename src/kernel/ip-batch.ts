import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { BATCH_MS } from '../domain/session.ts';

/** Runs lines of `ip -batch`; answers an error text, or undefined, for each line, in order. */
export interface IpBatch {
  readonly run: (lines: readonly string[]) => Promise<readonly (string | undefined)[]>;
  /**
   * Links came, went or were renamed: the next batch is for a new process. `ip` remembers the number of every name that it
   * met, and goes on using it: for a link that was made again nothing would work any more, and after a renaming
   * addresses would come and go on the wrong link.
   */
  readonly forgetLinks: () => void;
  readonly close: () => void;
  /** Ends it in the midst of whatever it does. */
  readonly kill: () => void;
}

interface Pending {
  readonly firstLine: number;
  readonly count: number;
  readonly token: string;
  readonly errors: (string | undefined)[];
  readonly resolve: (errors: readonly (string | undefined)[]) => void;
  readonly timer: NodeJS.Timeout;
}

const NO_ANSWER = 'no answer: ';

/** Whether an error says that `ip` itself failed: the line may have taken effect, or not. */
export function isUnanswered(error: string): boolean {
  return error.startsWith(NO_ANSWER);
}

/**
 * `ip` answers within milliseconds. One that takes longer than lifetimes allow for is killed, before it can do what it was
 * told too late; its lines count as failed.
 */
const TIMEOUT_MS = BATCH_MS;

/**
 * After so many lines a process gives way to a new one: iproute2 6.1 (Debian 12) loses 32 KiB of its heap with each line
 * that the kernel accepted, of which it has touched 4 KiB. With a thousand addresses that would be 14 GiB an hour.
 */
const MOST_LINES = 8000;

/**
 * One `ip -force -batch -` that stays: starting a process for each address costs a hundred times as much.
 * The end of a batch is learnt from a last line that must fail, naming an interface that cannot exist: that way
 * errors and the end come through the same pipe, in order. The process is a group of its own, so that
 * a stop signal to the agent's group does not leave half a batch for later. What a process that was given up still
 * has to say is not heard: it would be taken for the next one's.
 */
export function ipBatch(command = 'ip', options: readonly string[] = []): IpBatch {
  let child: ChildProcessWithoutNullStreams | undefined;
  let lineNumber = 0;
  let batches = 0;
  let buffer = '';
  let lastError = '';
  let queue: Pending[] = [];
  let isStale = false;

  const fail = (reason: string): void => {
    const failed = queue;
    queue = [];
    for (const batch of failed) {
      clearTimeout(batch.timer);
      batch.resolve(batch.errors.map((error) => error ?? `${NO_ANSWER}${reason}`));
    }
  };

  const stop = (reason: string): void => {
    const dying = child;
    child = undefined;
    dying?.kill('SIGKILL');
    fail(reason);
  };

  const start = (): ChildProcessWithoutNullStreams => {
    const started = spawn(command, [...options, '-force', '-batch', '-'], { detached: true });
    const stopThis = (reason: string): void => {
      if (child === started) stop(reason);
    };
    lineNumber = 0;
    buffer = '';
    lastError = '';
    started.stdout.resume();
    started.stdin.on('error', (error) => stopThis(`${command}: ${error.message}`));
    started.on('error', (error) => stopThis(`${command}: ${error.message}`));
    // Not at its exit: what it has said until then is still in the pipe.
    started.on('close', (code, signal) =>
      stopThis(`${command} ended (${signal ?? code}) ${lastError}`.trim()),
    );
    started.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (child !== started) return;
      const lines = `${buffer}${chunk}`.split('\n');
      buffer = lines.pop() ?? '';
      lines.forEach(read);
    });
    return started;
  };

  const read = (line: string): void => {
    const failed = /^Command failed -:(\d+)/.exec(line);
    if (failed === null) {
      lastError = line.replace(/^(RTNETLINK answers|Error): /, '');
      return;
    }
    const error = lastError;
    lastError = '';
    const [batch] = queue;
    if (batch === undefined) return;
    const index = Number(failed[1]) - batch.firstLine;
    if (index < batch.count) {
      batch.errors[index] = error;
    } else if (error.includes(batch.token)) {
      queue.shift();
      clearTimeout(batch.timer);
      batch.resolve(batch.errors);
      // At once and not with the next batch, which would have to wait until it is started.
      if (lineNumber >= MOST_LINES && queue.length === 0) renew();
    }
  };

  /** A new process in the place of one that has nothing more to do. */
  const renew = (): void => {
    child?.stdin.end();
    child = start();
    isStale = false;
  };

  /** After a look at what it has written by now: this process may be the slow one, and read late. */
  const giveUpUnlessAnswered = (token: string): void => {
    setImmediate(() => {
      if (queue.some((batch) => batch.token === `"${token}"`))
        stop(`${command} took more than ${TIMEOUT_MS} ms`);
    });
  };

  return {
    run: (lines) =>
      new Promise((resolve) => {
        if (isStale && queue.length === 0) renew();
        child ??= start();
        const token = `yaim~${++batches}`;
        const pending: Pending = {
          firstLine: lineNumber + 1,
          count: lines.length,
          token: `"${token}"`,
          errors: lines.map(() => undefined),
          resolve,
          timer: setTimeout(() => giveUpUnlessAnswered(token), TIMEOUT_MS),
        };
        queue.push(pending);
        lineNumber += lines.length + 1;
        child.stdin.write(`${[...lines, `address show dev ${token}`].join('\n')}\n`);
      }),
    forgetLinks: () => {
      isStale = child !== undefined;
    },
    close: () => {
      child?.stdin.end();
    },
    kill: () => stop('yaim ended it'),
  };
}
