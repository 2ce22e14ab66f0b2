import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../../support/certificates.ts';
import type { Agent, LogLine } from '../support/agent.ts';
import { addresses, type Lab, withLab } from '../support/lab.ts';
import { labService } from '../support/lab-host.ts';
import { withEachEtcd } from './each-etcd.ts';

const user = { name: 'yaim', password: 'right-secret', prefix: `${labService}/` };
const wrongPassword = 'wrong-secret';
const RETRIES = 2;
/** Quick hashes: a slow one would be told as an etcd that does not answer. */
const etcdArguments = ['--bcrypt-cost', '4', '--logger', 'zap', '--log-level', 'debug'];

withEachEtcd(
  'etcd with TLS, client certificates and a user: what is wrong with the access is told',
  async (t, version) => {
    const directory = await mkdtemp(join(tmpdir(), 'yaim-faults-'));
    t.after(() => rm(directory, { recursive: true }));
    const tls = await makeCertificates(directory, ['10.77.0.2']);
    const { ca, otherCa, server, expiredServer, client, clientKey } = tls.files;
    const validServer = join(directory, 'valid.crt');
    await copyFile(server, validServer);
    const options = {
      hosts: 2,
      pool: addresses(4),
      postgres: false,
      startAgents: false,
      etcd: { version, tls, user, arguments: etcdArguments },
      agent: {
        ...{ ttl: 3000, rebalance_delay: 100 },
        ...{ etcd_user: user.name, etcd_password: user.password },
        ...{ etcd_ca_file: ca, etcd_cert_file: client, etcd_key_file: clientKey },
      },
    };
    await withLab(options, async (lab) => {
      const [etcd] = lab.etcd.members;
      assert.ok(etcd);
      const { agent } = lab.host('db2');
      const stop = async () => {
        agent.terminate();
        await agent.exited();
      };
      const restart = async (keys: Readonly<Record<string, string>>) => {
        await stop();
        await agent.startWith(keys);
      };
      await lab.host('db1').agent.start();
      await lab.untilCounts([4, 0]);

      await t.test('a wrong password: one line, and again when it is that again', async () => {
        const wrong = /user or password is wrong \(etcd_user, etcd_password\)$/;
        const from = agent.log.length;
        await agent.startWith({ etcd_password: wrongPassword });
        await untilTold(agent, from, wrong);
        await untilTriedAgain(lab, /invalid password|authentication failed/);
        await assertToldOnce(agent, from, wrong);

        const dead = agent.log.length;
        etcd.kill();
        await untilTold(agent, dead, /connection refused$/);
        const back = agent.log.length;
        await etcd.start();
        await untilTold(agent, back, wrong);
        await untilTriedAgain(lab, /invalid password|authentication failed/);
        assert.deepEqual(repeats(agent, dead, /connection refused$/), []);
        assert.deepEqual(repeats(agent, back, wrong), []);
        await lab.untilCounts([4, 0]);
      });

      await t.test(
        'the password changed in etcd: who has it takes over, who had it says so, nobody restarts',
        async () => {
          const holder = lab.host('db1').agent;
          const from = holder.log.length;
          await setPassword(lab, wrongPassword);
          await lab.untilCounts([0, 4]);
          await untilTold(holder, from, /user or password is wrong/);
          await setPassword(lab, user.password);
          await lab.judge.until((judge) => judge.addressesOf('db1').length > 0, {
            timeoutMs: 45_000,
            what: 'db1 with addresses again',
          });
          await restart({ etcd_password: user.password });
          await lab.untilCounts([2, 2]);
        },
      );

      await t.test('a certificate of another authority: one line', async () => {
        const unknown = /its TLS certificate is not accepted: unable to verify the first certificate$/;
        const from = agent.log.length;
        await restart({ etcd_ca_file: otherCa });
        await untilTold(agent, from, unknown);
        await untilTriedAgain(lab, rejected);
        await assertToldOnce(agent, from, unknown);
      });

      await t.test(
        'a certificate that is over: one line, and all is well as soon as there is a new one',
        async () => {
          const over = /its TLS certificate is not accepted: certificate has expired$/;
          // The run before would complain of this one, too.
          await stop();
          await copyFile(expiredServer, server);
          const from = agent.log.length;
          await agent.startWith({ etcd_ca_file: ca });
          await untilTold(agent, from, over);
          await untilTriedAgain(lab, rejected);
          await assertToldOnce(agent, from, over);
          await copyFile(validServer, server);
          await lab.untilCounts([2, 2]);
        },
      );

      for (const one of [agent, lab.host('db1').agent]) {
        assert.deepEqual(one.noise, []);
        assert.doesNotMatch(JSON.stringify(one.log), /(right|wrong)-secret/);
      }
    });
  },
);

/** How etcd says that a client ended its handshake. */
const rejected = /rejected connection|TLS handshake error/;

/** That there is one line of it for what is followed, and one for the lease, however often it is tried. */
async function assertToldOnce(agent: Agent, from: number, what: RegExp): Promise<void> {
  const isIt = ({ event, error }: LogLine) => event === 'etcd_disconnected' && what.test(String(error));
  await agent.waitForLog(isIt, { from, timeoutMs: 45_000, what: `${agent.name} to tell ${what}` });
  assert.equal(agent.log.slice(from).filter(isIt).length, 1);
  assert.deepEqual(repeats(agent, from, what), []);
}

/** What was told of the lease once more, while it was that still: a slow etcd in between is something else. */
function repeats(agent: Agent, from: number, what: RegExp): readonly string[] {
  const lines = agent.log.slice(from).filter(({ event }) => event === 'session_unproven');
  const reasons = lines.map(({ reason = '' }) => reason);
  return reasons.filter((reason, index) => what.test(reason) && what.test(reasons[index - 1] ?? ''));
}

async function untilTold(agent: Agent, from: number, what: RegExp): Promise<void> {
  await agent.waitForLog(({ event, reason = '' }) => event === 'session_unproven' && what.test(reason), {
    from,
    timeoutMs: 45_000,
    what: `${agent.name} to tell ${what}`,
  });
}

/** Resolves when etcd has refused so many tries more. */
async function untilTriedAgain({ etcd, judge }: Lab, refusal: RegExp): Promise<void> {
  const server = etcd.members[0]?.process ?? assert.fail();
  const before = server.lineCount;
  const refusals = () => server.linesAfter(before).filter((line) => refusal.test(line)).length;
  await judge.until(() => refusals() >= RETRIES, {
    timeoutMs: 45_000,
    what: `${RETRIES} refusals more by etcd`,
  });
}

/** Without a terminal to ask on, etcdctl sets the password of a new user only. */
async function setPassword({ etcd }: Lab, password: string): Promise<void> {
  await etcd.control('user', 'delete', user.name);
  await etcd.control('user', 'add', `${user.name}:${password}`);
  await etcd.control('user', 'grant-role', user.name, user.name);
}
