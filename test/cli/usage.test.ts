import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { mainFile, yaim } from '../support/yaim-command.ts';

const nowhere = { YAIM_SERVICE: '/t', YAIM_ETCD_ENDPOINTS: 'http://127.0.0.1:1' };
const isRoot = process.getuid?.() === 0;

/** Wrong usage: told on stderr, without a stack, with status 64. */
async function refused(args: readonly string[], pattern: RegExp): Promise<void> {
  const { code, stdout, stderr } = await yaim(args, { environment: nowhere });
  assert.match(stderr, pattern);
  assert.doesNotMatch(stderr, /\n\s+at /);
  assert.deepEqual([code, stdout], [64, '']);
}

describe('the command line', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'yaim-cli-'));
    await writeFile(join(directory, 'good.yml'), 'service: /t\netcd_endpoints: [http://127.0.0.1:1]\n');
    await writeFile(
      join(directory, 'wrong.yml'),
      'service: /t\netcd_endpoints: [http://127.0.0.1:1]\nretry_num: three\netcd_user: me\netcd_password: hunter2\n',
    );
  });
  after(() => rm(directory, { recursive: true }));

  test('help and version are no errors, and every command has help of its own', async () => {
    const [help, short, version, command, word, inner] = await Promise.all([
      yaim(['--help']),
      yaim(['-h']),
      yaim(['--version']),
      yaim(['ip', 'add', '--help']),
      yaim(['help', 'status']),
      yaim(['help', 'ip', 'add']),
    ]);
    assert.match(
      help.stdout,
      /run .*[\s\S]*check[\s\S]*status[\s\S]*history[\s\S]*plan[\s\S]*explain[\s\S]*ip[\s\S]*drain/,
    );
    assert.match(help.stdout, /--config <file>[\s\S]*Exit status: 0 done, 78/);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    assert.match(command.stdout, /--netmask <length>[\s\S]*--config <file>/);
    assert.match(word.stdout, /yaim status/);
    assert.equal(short.stdout, help.stdout);
    assert.equal(inner.stdout, command.stdout);
    for (const { code, stderr } of [help, short, version, command, word, inner])
      assert.deepEqual([code, stderr], [0, '']);
  });

  test('what is no command or option is refused, with the nearest one and the help to read', async () => {
    await Promise.all([
      refused(['statsu'], /unknown command 'statsu'\n\(Did you mean status\?\)\nTry: yaim --help/),
      refused(
        ['status', '--jsn'],
        /unknown option '--jsn'\n\(Did you mean --json\?\)\nTry: yaim status --help/,
      ),
      refused(['ip', 'ad'], /unknown command 'ad'\n\(Did you mean add\?\)\nTry: yaim ip --help/),
      refused(['ip'], /^yaim: ip needs one of its commands: add, .*, unpin\nTry: yaim ip --help\n$/),
      refused(
        ['help', 'statsu'],
        /^yaim: unknown command 'statsu'\n\(Did you mean status\?\)\nTry: yaim --help\n$/,
      ),
      refused(['help', 'ip', 'x'], /^yaim: unknown command 'x'\nTry: yaim ip --help\n$/),
      refused(['ip', 'add'], /missing required argument 'ADDR'/),
      refused(['--jsn'], /unknown option '--jsn'/),
      refused(['--config'], /argument missing/),
    ]);
    await Promise.all([
      refused(['run', 'foo'], /too many arguments/),
      refused(['status', 'db1'], /too many arguments/),
      refused([''], /unknown command/),
    ]);
  });

  test('what is no address, or none for servers, is refused before anything is asked', async () => {
    await Promise.all([
      refused(['ip', 'add', '10.0.0.300'], /"10.0.0.300" is no IPv4 or IPv6 address/),
      refused(['ip', 'add', '10.0.0.7/24'], /write 10.0.0.7 alone.*--netmask 24/),
      refused(
        ['ip', 'add', '127.0.0.1'],
        /127.0.0.1 is a loopback address, by which no client could reach a server/,
      ),
      refused(['ip', 'add', 'fe80::1%eth0'], /no IPv4 or IPv6 address/),
      refused(['ip', 'remove', 'db1'], /"db1" is no/),
      refused(['explain', ''], /"" is no/),
    ]);
    await Promise.all([
      refused(
        ['ip', 'move', '10.0.0.7', 'db1', '--swap', 'foo'],
        /^yaim: "foo" is no IPv4 or IPv6 address\n$/,
      ),
      refused(['plan', '--with', 'a/b'], /^yaim: --with must be .*, got "a\/b"\n$/),
      refused(['plan', '--add', '10.0.0.300'], /^yaim: "10.0.0.300" is no/),
    ]);
    await Promise.all([
      refused(['ip', 'add', '10.0.0.7', '--netmask', '33'], /--netmask must be .* from 1 to 32, got "33"/),
      refused(['ip', 'add', '2001:db8::7', '--netmask', '129'], /from 1 to 128/),
      refused(['ip', 'add', '10.0.0.7', '--interface', 'eth0:1'], /--interface must be/),
      refused(['ip', 'add', '10.0.0.7', '--node', 'a/b'], /--node must be/),
    ]);
  });

  test('--config is taken before and after the command', async () => {
    const ends = await Promise.all([
      yaim(['--config', 'good.yml', 'status'], { directory }),
      yaim(['status', '--config', 'good.yml'], { directory }),
      yaim(['ip', '--config=good.yml', 'list'], { directory }),
      yaim(['ip', 'add', '10.0.0.7', '--prefer', 'db1', '--config', 'good.yml'], { directory }),
    ]);
    for (const { code, stderr } of ends) {
      assert.match(stderr, /^yaim: etcd at http:\/\/127.0.0.1:1: .*connection refused\n$/);
      assert.equal(code, 69);
    }
  });

  test('a wrong configuration ends every command with 78, naming file, line and column, and no secret', async () => {
    const commands = [[], ['run'], ['check'], ['status'], ['ip', 'list'], ['plan']];
    const ends = await Promise.all(
      commands.map((command) => yaim(['--config', 'wrong.yml', ...command], { directory })),
    );
    for (const { code, stdout, stderr } of ends) {
      assert.equal(stderr, 'wrong.yml:3:12: retry_num: must be a whole number from 1 to 100, got "three"\n');
      assert.doesNotMatch(stdout, /hunter2/);
      assert.equal(code, 78);
    }
    assert.equal(JSON.parse(ends[0]?.stdout ?? '').event, 'config_invalid');
    assert.match(ends[2]?.stdout ?? '', /^FAILED +configuration/);
    const none = await yaim(['status'], { directory });
    assert.match(none.stderr, /yaim.yml: no such file in .*: name one with --config FILE/);
    assert.equal(none.code, 78);
  });

  test('the agent does not start without the right to change addresses, or to announce them', {
    skip: isRoot ? false : 'needs root to drop capabilities from',
  }, async () => {
    const without = (name: string) =>
      yaim(['run'], { environment: nowhere, through: ['setpriv', '--bounding-set', `-${name}`] });
    const [admin, raw] = await Promise.all([without('net_admin'), without('net_raw')]);
    assert.match(admin.stderr, /no permission: yaim needs CAP_NET_ADMIN to put addresses/);
    assert.doesNotMatch(admin.stderr, /needs .*CAP_NET_RAW to announce/);
    assert.match(raw.stderr, /no permission: yaim needs CAP_NET_RAW to announce/);
    assert.deepEqual([admin.code, raw.code], [77, 77]);
  });

  test('a capability that reaches no network is found out as well', {
    skip: isRoot ? false : 'needs root',
  }, async () => {
    // A user namespace gives every capability, but none over a network namespace that is older.
    const ended = await yaim(['run'], {
      environment: nowhere,
      through: ['unshare', '--user', '--map-root-user'],
    });
    assert.match(ended.stderr, /no permission: the kernel lets this process change no addresses/);
    assert.equal(ended.code, 77);
  });

  test('a reader that goes away early ends a command quietly', async () => {
    const state = join(directory, 'large.json');
    const addresses = Array.from({ length: 20_000 }, (_, index) => ({
      address: `10.1.${index >> 8}.${index & 255}`,
    }));
    await writeFile(state, JSON.stringify({ nodes: [{ name: 'db1' }], addresses }));
    const script = `"$1" "$2" plan --state "$3" | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)('bash', [
      ...['-c', script, 'bash', process.execPath, mainFile, state],
    ]);
    assert.equal(stdout, '20000 of 20000 addresses on 1 node would change hands:\n0\n');
    assert.equal(stderr, '');
  });
});
