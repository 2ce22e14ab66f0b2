import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertNothingMoved, untilHeld } from '../lab/support/expectations.ts';
import { addresses, type Lab, unhurried, withLab } from '../lab/support/lab.ts';
import { type Container, startContainer } from './support/container.ts';
import { buildImage, IMAGE, noContainers, podman, removeContainers } from './support/podman.ts';

const [address = ''] = addresses(1);
/** A safety net: how soon podman starts and ends what it is told to is its own matter, and how busy this machine is. */
const PATIENCE_MS = 60_000;
const CAPABILITIES = ['--cap-drop=ALL', '--cap-add=NET_ADMIN', '--cap-add=NET_RAW'];

test('the image, built from the Dockerfile on a stand-in for its base', {
  skip: noContainers(),
}, async (t) => {
  await removeContainers();
  await buildImage();

  await t.test(
    'is small, has labels, a health check, a stop signal, and what an operator looks with',
    async () => {
      const [{ Size: bytes, Config: config }] = JSON.parse(await podman('image', 'inspect', IMAGE));
      const [{ Size: baseBytes }] = JSON.parse(await podman('image', 'inspect', 'localhost/yaim-base'));
      t.diagnostic(
        `${(bytes / 1e6).toFixed(0)} MB, ${((bytes - baseBytes) / 1e6).toFixed(0)} MB of them yaim's`,
      );
      assert.ok(bytes - baseBytes < 60e6);
      assert.equal(config.Labels['org.opencontainers.image.title'], 'yaim');
      assert.equal(config.StopSignal, 'SIGTERM');
      const look =
        'command -v ip arping ndptool yaim && ! command -v tsc && ! ls -d /opt/yaim/node_modules/typescript';
      await podman('run', '--rm', '--network=none', '--entrypoint=sh', IMAGE, '-c', look);
    },
  );

  await withLab({ hosts: 1, startAgents: false, postgres: false }, async (lab) => {
    const containers = containersIn(lab);
    try {
      await tryContainers(t, lab, containers);
    } finally {
      await removeContainers();
    }
  });
});

async function tryContainers(
  t: { readonly test: (name: string, body: () => Promise<void>) => Promise<void> },
  lab: Lab,
  containers: ReturnType<typeof containersIn>,
): Promise<void> {
  await t.test('without the capabilities ends with 77 and names what is missing', async () => {
    const container = containers.start('without', ['--cap-add=NET_RAW']);
    assert.equal(await ended(container), 77);
    assert.match(container.lines.join('\n'), /yaim needs CAP_NET_ADMIN to put addresses on an interface;/);
  });

  await t.test(
    'with them, and nothing to write on, takes an address that is put into etcd, and is healthy',
    async () => {
      containers.start('first', [...CAPABILITIES, '--read-only']);
      await lab.addAddress(address);
      await untilHeld(lab, address);
      await podman('healthcheck', 'run', 'first');
      const page = "fetch('http://127.0.0.1:8010/').then((answer) => answer.text()).then(console.log)";
      assert.match(await podman('exec', 'first', 'node', '--eval', page), /<title>/);
    },
  );

  await t.test('replaced after SIGUSR1 moves nothing, with all privileges as well', async () => {
    const changes = lab.judge.changes.length;
    await podman('kill', '--signal=USR1', 'first');
    assert.equal(await ended(containers.newest()), 0);
    assert.match(containers.newest().lines.join('\n'), /"event":"handed_over".*"addresses":1/);
    const second = containers.start('second', ['--privileged', '--read-only']);
    await second.waitForLine(/"event":"session_started".*"adopted":true/, {
      timeoutMs: PATIENCE_MS,
      what: 'adopted',
    });
    await second.waitForLine(/"event":"advertised"/, { timeoutMs: PATIENCE_MS, what: 'advertised' });
    await assertNothingMoved(lab, changes);
  });

  await t.test('hung is no longer healthy', async () => {
    await podman('kill', '--signal=STOP', 'second');
    const check = podman('exec', 'second', 'node', '/opt/yaim/dist/healthcheck.js');
    await assert.rejects(check, ({ stderr }: { stderr: string }) => /no answer within 3000 ms/.test(stderr));
    await podman('kill', '--signal=CONT', 'second');
    await untilHeld(lab, address);
  });

  await t.test('stopped takes the address off, leaves nothing in etcd, and ends with 0', async () => {
    await podman('stop', `--time=${PATIENCE_MS / 1000}`, 'second');
    assert.equal(await ended(containers.newest()), 0);
    await lab.judge.catchUp();
    assert.deepEqual(lab.judge.holders(address), []);
    await assertNothingLeft(lab, 'db1');
  });
}

/** Containers of db1, with its network, state directory and configuration. */
function containersIn(lab: Lab) {
  const { namespace } = lab.host('db1');
  const directory = join(lab.directory, 'container');
  mkdirSync(join(directory, 'run'), { recursive: true });
  const config = {
    service: lab.service,
    nodename: 'db1',
    etcd_endpoints: lab.etcd.endpoints,
    log_format: 'json',
    // What is left to the next container outlasts the slowest of starts.
    ...{ ...unhurried, handover: 4 * unhurried.ttl },
  };
  writeFileSync(join(directory, 'yaim.yml'), JSON.stringify(config));
  let newest: Container | undefined;
  return {
    newest: () => newest ?? assert.fail('no container was started'),
    /** Starts and does not wait. */
    start: (name: string, options: readonly string[]): Container => {
      newest = startContainer(name, [
        `--network=ns:/run/netns/${namespace}`,
        `--volume=${directory}/run:/run/yaim`,
        `--volume=${directory}/yaim.yml:/etc/yaim/yaim.yml:ro`,
        ...options,
        IMAGE,
      ]);
      return newest;
    },
  };
}

function ended(container: Container): Promise<number> {
  return container.ended({ timeoutMs: PATIENCE_MS, what: 'the end of the container' });
}
