import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { aNamespace, cable, type Namespace, noNamespaces } from '../support/a-namespace.ts';

suite('an announcement on a real cable', { skip: noNamespaces }, () => {
  let server: Namespace;
  let client: Namespace;

  before(() => {
    server = aNamespace();
    client = aNamespace();
    cable(server, client);
    client.ip('address add 10.0.0.1/24 dev eth0');
    client.ip('address add 2001:db8::1/64 dev eth0 nodad');
  });
  after(() => {
    for (const namespace of [server, client]) namespace?.remove();
  });

  /** What the process that announces has to say. */
  function announce(text: string, interfaceName: string, ...wrapper: readonly string[]): string {
    const program = fileURLToPath(new URL('announce-process.ts', import.meta.url));
    const words = ['netns', 'exec', server.name, ...wrapper, process.execPath, program, text, interfaceName];
    return execFileSync('ip', words, { encoding: 'utf8' });
  }

  function hardwareAddress(): string {
    return /link\/ether (\S+)/.exec(server.ip('link show eth0'))?.[1] ?? 'none';
  }

  for (const text of ['10.0.0.7', '2001:db8::7']) {
    test(`tells a client that knew another holder of ${text} where it is now`, async () => {
      client.ip(`neighbour replace ${text} lladdr 02:00:00:00:00:99 dev eth0 nud stale`);
      assert.equal(announce(text, 'eth0'), '');
      const known = () => client.ip(`neighbour show ${text} dev eth0`);
      // A safety net: it has come before the process that announces has ended.
      const limit = performance.now() + 30_000;
      while (!known().includes(hardwareAddress()) && performance.now() < limit) await pause(10);
      assert.match(known(), new RegExp(`lladdr ${hardwareAddress()}`));
    });
  }
  test('needs a link with hardware addresses: there is nobody to tell on others', () =>
    assert.equal(announce('10.0.0.7', 'lo'), ''));
  test('on an interface that does not exist says so', () =>
    assert.match(announce('10.0.0.7', 'eth9'), /ENOENT.*eth9/));
  test('on an interface that is down says what the kernel says', () => {
    server.ip('link add eth1 type veth peer name eth2');
    assert.match(announce('10.0.0.7', 'eth1'), /^sending on eth1: ENETDOWN/);
  });
  test('without CAP_NET_RAW says what is missing', (context) => {
    const setpriv = [
      'setpriv',
      '--bounding-set=-net_raw',
      '--inh-caps=-all',
      '--reuid=65534',
      '--clear-groups',
    ];
    try {
      execFileSync('setpriv', ['--version']);
    } catch {
      return context.skip('setpriv is not installed');
    }
    assert.match(announce('10.0.0.7', 'eth0', ...setpriv), /^packet socket: EPERM .*CAP_NET_RAW/);
  });
});
