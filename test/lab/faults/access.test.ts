import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../../support/certificates.ts';
import type { Agent } from '../support/agent.ts';
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
      const restart = async (keys: Readonly<Record<string, string>>) => {
        agent.terminate();
        await agent.exited();
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
        assert.deepEqual(counts(agent, from, wrong), { etcd_disconnected: 1, session_unproven: 1 });

        const dead = agent.log.length;
        etcd.kill();
        await untilTold(agent, dead, /connection refused$/);
        const back = agent.log.length;
        await etcd.start();
        await untilTold(agent, back, wrong);
        await untilTriedAgain(lab, /invalid password|authentication failed/);
        assert.equal(counts(agent, dead, /connection refused$/).session_unproven, 1);
        assert.equal(counts(agent, back, wrong).session_unproven, 1);
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
        assert.deepEqual(counts(agent, from, unknown), { etcd_disconnected: 1, session_unproven: 1 });
      });

      await t.test(
        'a certificate that is over: one line, and all is well as soon as there is a new one',
        async () => {
          const over = /its TLS certificate is not accepted: certificate has expired$/;
          await copyFile(expiredServer, server);
          const from = agent.log.length;
          await restart({ etcd_ca_file: ca });
          await untilTold(agent, from, over);
          await untilTriedAgain(lab, rejected);
          assert.deepEqual(counts(agent, from, over), { etcd_disconnected: 1, session_unproven: 1 });
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

/** How often each event tells of it: the one for what is followed, the other for the lease. */
function counts(agent: Agent, from: number, what: RegExp) {
  const lines = agent.log.slice(from);
  const times = (wanted: string) =>
    lines.filter(({ event, error, reason }) => event === wanted && what.test(String(error ?? reason))).length;
  return {
    etcd_disconnected: times('etcd_disconnected'),
    session_unproven: times('session_unproven'),
  };
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
  const refusals = () => etcd.members[0]?.process.lines.filter((line) => refusal.test(line)).length ?? 0;
  const before = refusals();
  await judge.until(() => refusals() >= before + RETRIES, {
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
