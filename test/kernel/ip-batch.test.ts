import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, mock, suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BATCH_MS } from '../../src/domain/session.ts';
import { type IpBatch, ipBatch, isUnanswered } from '../../src/kernel/ip-batch.ts';
import { aNamespace, type Namespace, noNamespaces } from '../support/a-namespace.ts';

// The limit is a safety net, for an answer that never comes.
suite('one `ip` for all', { skip: noNamespaces, timeout: 120_000 }, () => {
  let namespace: Namespace;
  let ip: IpBatch;

  before(() => {
    namespace = aNamespace();
    namespace.ip('link add eth0 type veth peer name eth1');
    namespace.ip('link set eth1 up');
    namespace.ip('link set eth0 up');
  });
  after(() => namespace.remove());
  // `ip` has as long as it takes here: its limit has a test of its own.
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());
  const started = () => {
    ip = ipBatch('ip', ['-n', namespace.name]);
    return ip;
  };
  afterEach(() => {
    ip.kill();
    namespace.ip('address flush dev eth0');
  });

  const addresses = () => namespace.ip('-o -4 address show dev eth0').match(/10\.[\d.]+\/32/g) ?? [];

  test('does every line, and answers when they are done', async () => {
    const { run } = started();
    assert.deepEqual(await run(['address add 10.0.0.7/32 dev eth0', 'address add 10.0.0.8/32 dev eth0']), [
      undefined,
      undefined,
    ]);
    assert.deepEqual(addresses(), ['10.0.0.7/32', '10.0.0.8/32']);
  });
  test('answers an empty batch', async () => assert.deepEqual(await started().run([]), []));
  test('says of each line what was wrong with it, in its own words', async () => {
    const { run } = started();
    const errors = await run([
      'address delete 10.0.0.9/32 dev eth0',
      'address add 10.0.0.7/32 dev eth0',
      'address add 10.0.0.7/32 dev eth0',
      'address add 10.0.0.8/32 dev eth9',
      'address add 10.0.0.8/32 dev eth0',
    ]);
    assert.match(errors[0] ?? '', /^(ipv4: Address not found\.|Cannot assign requested address)$/);
    assert.equal(errors[1], undefined);
    assert.match(errors[2] ?? '', /^(ipv4: Address already assigned\.|File exists)$/);
    assert.equal(errors[3], 'Cannot find device "eth9"');
    assert.equal(errors[4], undefined);
    assert.deepEqual(addresses(), ['10.0.0.7/32', '10.0.0.8/32']);
    assert.ok(!errors.some((error) => error !== undefined && isUnanswered(error)));
  });
  test('that ends because of a line says why, and the next batch works', async () => {
    const { run } = started();
    const [error = ''] = await run(['address add nonsense dev eth0', 'address add 10.0.0.7/32 dev eth0']);
    assert.match(error, /^no answer: ip ended \(1\) .*"nonsense"/);
    assert.deepEqual(await run(['address replace 10.0.0.7/32 dev eth0']), [undefined]);
  });
  test('keeps the errors of one batch out of the next', async () => {
    const { run } = started();
    const bad = 'address delete 10.0.0.9/32 dev eth0';
    const good = 'address replace 10.0.0.7/32 dev eth0';
    for (let round = 0; round < 3; round += 1) {
      const errors = await run([good, bad, good]);
      assert.deepEqual(
        errors.map((error) => error === undefined),
        [true, false, true],
      );
      assert.deepEqual(await run([good, good]), [undefined, undefined]);
    }
  });
  test('answers batches that are sent at once each with its own', async () => {
    const { run } = started();
    const answers = await Promise.all([
      run(['address add 10.0.0.7/32 dev eth0']),
      run(['address add 10.0.0.7/32 dev eth0']),
      run(['address delete 10.0.0.7/32 dev eth0', 'address add 10.0.0.8/32 dev eth9']),
    ]);
    assert.deepEqual(
      answers.map((errors) => errors.map((error) => error === undefined)),
      [[true], [false], [true, false]],
    );
  });
  test('does a thousand lines', async () => {
    const lines = Array.from(
      { length: 1000 },
      (_, index) => `address add 10.1.${index >> 8}.${index & 255}/32 dev eth0`,
    );
    const errors = await started().run(lines);
    assert.deepEqual(
      errors.filter((error) => error !== undefined),
      [],
    );
    assert.equal(addresses().length, 1000);
  });
  test('starts one process', async () => {
    const { run } = started();
    await run([]);
    const [pid] = processes();
    await run([]);
    assert.deepEqual(processes(), [pid]);
  });
  test('gives way to a new process after thousands of lines: iproute2 loses memory with each', async () => {
    const { run } = started();
    await run([]);
    const [first] = processes();
    const lines = Array<string>(1000).fill('address replace 10.0.0.7/32 dev eth0');
    for (let round = 0; round < 8; round += 1) assert.ok(!(await run(lines)).some(Boolean));
    const [second, ...others] = processes().filter((pid) => pid !== first);
    assert.ok(second !== undefined && others.length === 0, `${first}, then ${second}, and ${others}`);
    assert.deepEqual(await run(['address delete 10.0.0.7/32 dev eth0']), [undefined]);
  });
  test('that is killed fails what it was doing, and the next batch works', async () => {
    const { run } = started();
    await run([]);
    const [pid = 0] = processes();
    process.kill(pid, 'SIGSTOP');
    const hanging = run(['address add 10.0.0.7/32 dev eth0', 'address add 10.0.0.8/32 dev eth0']);
    process.kill(pid, 'SIGKILL');
    const errors = await hanging;
    assert.deepEqual(errors, Array(2).fill('no answer: ip ended (SIGKILL)'));
    assert.ok(errors.every((error) => isUnanswered(error ?? '')));
    assert.deepEqual(await run(['address add 10.0.0.8/32 dev eth0']), [undefined]);
  });
  test('that was killed while it had nothing to do is started anew', async () => {
    const { run } = started();
    await run([]);
    const [pid = 0] = processes();
    process.kill(pid, 'SIGKILL');
    // The next batch may be written before anybody knows.
    for (let round = 0; round < 20; round += 1) {
      const [error] = await run(['address replace 10.0.0.7/32 dev eth0']);
      if (error === undefined) break;
      assert.ok(isUnanswered(error), error);
      assert.equal(round, 0, 'the batch after the failed one works');
    }
  });
  test('that does not answer in time is killed, and the next batch works', async () => {
    const { run } = started();
    await run([]);
    const [pid = 0] = processes();
    process.kill(pid, 'SIGSTOP');
    const hanging = run(['address add 10.0.0.7/32 dev eth0']);
    mock.timers.tick(BATCH_MS);
    assert.deepEqual(await hanging, [`no answer: ip took more than ${BATCH_MS} ms`]);
    assert.deepEqual(await run(['address replace 10.0.0.7/32 dev eth0']), [undefined]);
  });
  test('that is ended on purpose says so, and does nothing more', async () => {
    const { run, kill } = started();
    const running = run(['address add 10.0.0.7/32 dev eth0']);
    kill();
    assert.deepEqual(await running, ['no answer: yaim ended it']);
  });
  test('knows a link that was made again, once it has been told to forget', async () => {
    const { run, forgetLinks } = started();
    const make = () => namespace.ip('link add eth2 type veth peer name eth3');
    make();
    assert.deepEqual(await run(['address add 10.0.0.7/32 dev eth2']), [undefined]);
    namespace.ip('link delete eth2');
    make();
    forgetLinks();
    assert.deepEqual(await run(['address add 10.0.0.7/32 dev eth2']), [undefined]);
    assert.match(namespace.ip('-o -4 address show dev eth2'), /10\.0\.0\.7\/32/);
    namespace.ip('link delete eth2');
  });
  test('puts nothing on a link that bore the name before, once it has been told to forget', async () => {
    const { run, forgetLinks } = started();
    namespace.ip('link add eth2 type veth peer name eth3');
    assert.deepEqual(await run(['address replace 10.0.0.7/32 dev eth2']), [undefined]);
    namespace.ip('link set eth2 name lan2');
    namespace.ip('link set eth3 name eth2');
    forgetLinks();
    assert.deepEqual(await run(['address add 10.0.0.8/32 dev eth2']), [undefined]);
    assert.match(namespace.ip('-o -4 address show dev eth2'), /10\.0\.0\.8\/32/);
    namespace.ip('link delete eth2');
  });
  test('that is told to forget finishes first what it was given', async () => {
    const { run, forgetLinks } = started();
    const running = run(['address add 10.0.0.7/32 dev eth0']);
    forgetLinks();
    const next = run(['address add 10.0.0.8/32 dev eth0']);
    assert.deepEqual([await running, await next], [[undefined], [undefined]]);
    const [before = 0] = processes();
    await run([]);
    // A safety net, for one that stays.
    for (const limit = performance.now() + 20_000; processes().includes(before); await setImmediate())
      assert.ok(performance.now() < limit, 'it still runs');
    assert.equal(processes().length, 1);
    assert.notEqual(processes()[0], before);
  });
  test('that is closed ends by itself', async () => {
    const { run, close } = started();
    await run([]);
    close();
    // A safety net, for one that stays.
    for (const limit = performance.now() + 20_000; processes().length > 0; await setImmediate())
      assert.ok(performance.now() < limit, 'it still runs');
  });

  /** Our `ip` processes. */
  function processes(): readonly number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`ip\0-n\0${namespace.name}\0-force`);
        } catch {
          return false;
        }
      });
  }
});

suite('an `ip` that cannot be started', () => {
  test('fails every line, and is tried again with the next batch', async () => {
    const { run } = ipBatch('/nowhere/ip');
    for (let round = 0; round < 3; round += 1) {
      const errors = await run(['address add 10.0.0.7/32 dev eth0', 'x']);
      assert.deepEqual(
        errors.map((error) => isUnanswered(error ?? '')),
        [true, true],
      );
      assert.match(errors[0] ?? '', /\/nowhere\/ip/);
    }
  });
  test('or that ends at once, says what it said', async () => {
    const { run } = ipBatch('sh', ['-c', 'echo "Error: no such option" >&2; exit 3', 'sh']);
    for (let round = 0; round < 3; round += 1) {
      const [error = ''] = await run(['address add 10.0.0.7/32 dev eth0']);
      assert.match(error, /^no answer: sh(: | ended)/);
    }
  });
});
