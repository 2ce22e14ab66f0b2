import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { filter, firstValueFrom, map, NEVER, type Observable, Subject, take, tap, toArray } from 'rxjs';
import { monotonicScheduler } from '../../src/clock.ts';
import type { Kernel, KernelEvent } from '../../src/domain/kernel.ts';
import { kernel$ } from '../../src/streams/kernel.ts';
import { virtualClock } from '../support/virtual-clock.ts';

/** What `ip` prints here is in files: a listing, and lines that its monitor says before it waits or ends. */
suite('the kernel, followed', () => {
  let directory: string;
  const failures: string[] = [];

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'yaim-kernel-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  function listing(...addresses: readonly string[]): void {
    const info = addresses.map((local) => ({
      family: 'inet',
      local,
      prefixlen: 32,
      scope: 'global',
      label: 'eth0:yaim',
      valid_life_time: 60,
    }));
    writeFileSync(
      join(directory, 'listing'),
      JSON.stringify([{ ifindex: 2, ifname: 'eth0', flags: ['UP', 'LOWER_UP'], addr_info: info }]),
    );
  }

  /** An `ip` whose monitor does this, and that does that before it lists addresses. */
  function fakeIp(monitor: string, delay = ''): string {
    const command = join(directory, 'ip');
    writeFileSync(
      command,
      `#!/bin/sh\ncase "$*" in *monitor*) ${monitor} ;; *address*) ${delay} cat ${directory}/listing ;; *) echo '[]' ;; esac\n`,
    );
    chmodSync(command, 0o755);
    return command;
  }

  function followed(
    monitor: string,
    relist$: Observable<void> = NEVER,
    delay = '',
  ): Observable<readonly string[]> {
    return kernel$({
      scheduler: monotonicScheduler,
      command: fakeIp(monitor, delay),
      relist$,
      failed: ({ message }) => failures.push(message),
    }).pipe(map(addressesOf));
  }

  /** Nothing is listed before the monitor has written something there, however long it takes to start. */
  const untilFilled = (path: string): string => `until [ -s ${path} ]; do sleep 0.02; done;`;

  const line = (address: string): string =>
    `2: eth0    inet ${address}/32 scope global dynamic eth0:yaim\\\\       valid_lft 4sec preferred_lft 4sec`;

  test('is listed once the monitor listens, and what is said while it is listed is not lost', {
    timeout: 60_000,
  }, async () => {
    listing('10.0.0.7', '10.0.0.8');
    const [begun, said] = [join(directory, 'begun'), join(directory, 'said')];
    const until = (path: string): string => `until [ -e ${path} ]; do sleep 0.02; done;`;
    const words = `printf '%s\\n' 'Deleted ${line('10.0.0.8')}' '${line('10.0.0.9')}'`;
    const monitor = `${until(begun)} ${words}; touch ${said}; exec sleep 30`;
    const expected = ['10.0.0.7', '10.0.0.9'].join();
    await firstValueFrom(
      followed(monitor, NEVER, `touch ${begun}; ${until(said)}`).pipe(
        filter((addresses) => addresses.join() === expected),
      ),
    );
  });

  test('has what ip answered before the monitor says it', async () => {
    listing('10.0.0.7');
    const answered$ = new Subject<readonly KernelEvent[]>();
    const deps = { scheduler: monotonicScheduler, command: fakeIp('exec sleep 30'), relist$: NEVER };
    const seen = await firstValueFrom(
      kernel$({ ...deps, answered$, failed: ({ message }) => failures.push(message) }).pipe(
        tap(({ addresses }) => {
          for (const address of addresses.values())
            setImmediate(() => answered$.next([{ kind: 'taken-off', address }]));
        }),
        take(2),
        map(addressesOf),
        toArray(),
      ),
    );
    assert.deepEqual(seen, [['10.0.0.7'], []]);
  });

  test('is listed anew when asked', async () => {
    listing('10.0.0.7');
    const relist$ = new Subject<void>();
    const seen = await firstValueFrom(
      followed('exec sleep 30', relist$).pipe(
        tap(() => {
          listing('10.0.0.7', '10.0.0.8');
          setImmediate(() => relist$.next());
        }),
        take(2),
        toArray(),
      ),
    );
    assert.deepEqual(seen, [['10.0.0.7'], ['10.0.0.7', '10.0.0.8']]);
  });

  test('is listed once more, however often that was asked for during a listing', async () => {
    listing('10.0.0.7');
    const [begun, go] = [join(directory, 'listings'), join(directory, 'go')];
    const delay = `echo >> ${begun}; until [ -e ${go} ]; do sleep 0.02; done;`;
    const clock = virtualClock();
    const relist$ = new Subject<void>();
    const command = fakeIp('exec sleep 30', delay);
    const kernels$ = new Subject<Kernel>();
    const subscription = kernel$({ scheduler: clock.scheduler, command, relist$, failed: assert.fail });
    const following = subscription.subscribe(kernels$);
    await until(() => existsSync(begun));
    for (let wish = 0; wish < 10; wish += 1) {
      relist$.next();
      await clock.pass(60);
    }
    const listed = firstValueFrom(kernels$.pipe(take(2), toArray()));
    writeFileSync(go, '');
    await listed;
    // Those that nobody needs would begin now, one after the other, and be as quick as these.
    for (let round = 0; round < 3; round += 1) await promisify(execFile)(command, ['address']);
    following.unsubscribe();
    assert.equal(readFileSync(begun, 'utf8').length, 2 + 3);
  });

  test('is listed anew when a link is renamed: its addresses go by its new name', {
    timeout: 60_000,
  }, async () => {
    listing('10.0.0.7');
    const renamed = join(directory, 'renamed');
    const words = "echo '2: lan0: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue'";
    const command = fakeIp(`until [ -e ${renamed} ]; do sleep 0.02; done; ${words}; exec sleep 30`);
    const names = ({ links, addresses }: Kernel) =>
      [...links.keys(), ...[...addresses.values()].map((entry) => entry.interface)].join();
    const kernels$ = kernel$({ scheduler: monotonicScheduler, command, relist$: NEVER, failed: assert.fail });
    await firstValueFrom(
      kernels$.pipe(
        map(names),
        tap((seen) => {
          if (seen !== 'eth0,eth0') return;
          const before = readFileSync(join(directory, 'listing'), 'utf8');
          writeFileSync(join(directory, 'listing'), before.replaceAll('"eth0"', '"lan0"'));
          writeFileSync(renamed, '');
        }),
        filter((seen) => seen === 'lan0,lan0'),
      ),
    );
  });

  test('with ten thousand addresses is listed as well', { timeout: 60_000 }, async () => {
    listing(...Array.from({ length: 10_000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`));
    const command = fakeIp('exec sleep 30');
    const kernels$ = kernel$({ scheduler: monotonicScheduler, command, relist$: NEVER, failed: assert.fail });
    assert.equal((await firstValueFrom(kernels$)).addresses.size, 10_000);
  });

  test('is followed by a monitor that no signal to our process group ends, and that ends with the stream', async () => {
    listing('10.0.0.7');
    const written = join(directory, 'group');
    // proc_pid_stat(5): pid, name, state, parent, process group.
    const pid = await firstValueFrom(
      followed(`cut -d' ' -f1,5 /proc/$$/stat > ${written}; exec sleep 30`, NEVER, untilFilled(written)).pipe(
        map(() => {
          const [own, group] = readFileSync(written, 'utf8').trim().split(' ').map(Number);
          assert.equal(group, own);
          return own ?? 0;
        }),
      ),
    );
    await until(() => !isRunning(pid));
  });

  test('is followed by a monitor that a crash takes along', async () => {
    listing('10.0.0.7');
    const written = join(directory, 'pid');
    const command = fakeIp(`echo $$ > ${written}; exec sleep 30`, untilFilled(written));
    const source = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url));
    const script = `
      import { NEVER } from 'rxjs';
      import { monotonicScheduler as scheduler } from ${source('clock.ts')};
      import { kernel$ } from ${source('streams/kernel.ts')};
      process.on('uncaughtException', () => process.exit(1));
      kernel$({ scheduler, command: ${JSON.stringify(command)}, relist$: NEVER, failed: console.error })
        .subscribe(() => { throw new Error('a bug'); });`;
    const args = ['--input-type=module', '-e', script];
    const crashed = await promisify(execFile)(process.execPath, args).catch((error) => error);
    assert.equal(crashed.code, 1);
    await until(() => !isRunning(Number(readFileSync(written, 'utf8'))));
  });

  test('is followed again when the monitor ends, which is told with what it said', async () => {
    listing('10.0.0.7');
    failures.length = 0;
    const [again, second] = [join(directory, 'again'), join(directory, 'second')];
    // Its words may be read after its end is known.
    const words = "(sleep 0.2; echo 'no more buffer' >&2) & exit 1";
    const monitor = `if [ -e ${again} ]; then touch ${second}; exec sleep 30; fi; touch ${again}; ${words}`;
    // Nothing is listed before there is a second monitor, however long the first one takes to end.
    const delay = `until [ -e ${second} ]; do sleep 0.02; done;`;
    assert.deepEqual(await firstValueFrom(followed(monitor, NEVER, delay)), ['10.0.0.7']);
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /monitor ended \(1\): no more buffer/);
  });
});

/** Looks again and again; the limit is a safety net. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, 'it did not come true');
    await pause(10);
  }
}

function isRunning(pid: number): boolean {
  try {
    // A zombie, whose parent has not looked yet, runs no more.
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function addressesOf({ addresses }: Kernel): readonly string[] {
  return [...addresses.values()].map(({ address }) => address).sort();
}
