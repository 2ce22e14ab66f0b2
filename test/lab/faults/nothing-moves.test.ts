import assert from 'node:assert/strict';
import { assertNothingMoved, untilGone } from '../support/expectations.ts';
import { prefer } from '../support/hurry.ts';
import { addresses, type Lab, withLab } from '../support/lab.ts';
import { labService } from '../support/lab-host.ts';
import type { Service } from '../support/service.ts';
import { untilDroppedInTime } from './dropping.ts';
import { withEachEtcd } from './each-etcd.ts';
import {
  compactAll,
  endpointOf,
  letLead,
  memberUsedBy,
  untilAllServe,
  untilWritten,
  usersOf,
} from './members.ts';
import { hearRenewals } from './renewals.ts';

const TTL_MS = 6000;
const user = { name: 'yaim', password: 'secret', prefix: `${labService}/` };
const members = ['10.77.0.2', '10.77.0.3', '10.77.0.4'].map((ipv4) => `http://${ipv4}:2379`);
/** The lab's client, which has no etcd: it refuses, and is silent to those to whom it has no way. */
const nobody = 'http://10.77.0.9:2379';
const endpoints: Readonly<Record<string, readonly string[]>> = {
  db1: [...members, nobody],
  db2: [...members, nobody],
  db3: members.map((endpoint) => `${endpoint}/`),
};

/**
 * Members wait for a leader for half a second, one and two, and up to twice as long: whoever is left, one is always
 * the first to stand for election. Two that stand at the same time elect nobody, and would have to begin again.
 */
const electionMs = [500, 1000, 2000];

/** Tokens end after four seconds in which they were not used at a member; only its debug lines tell. */
const etcdArguments = (index: number) => [
  ...['--auth-token', 'simple', '--auth-token-ttl', '4', '--bcrypt-cost', '4'],
  ...['--logger', 'zap', '--log-level', 'debug', '--election-timeout', `${electionMs[index]}`],
];

withEachEtcd(
  'what is not the end of etcd moves no address and drops none, at the default ttl',
  async (t, version) => {
    const options = {
      hosts: 3,
      pool: addresses(6),
      postgres: false,
      startAgents: false,
      // What a follower sends to a leader that is gone has no answer: not for long, then again.
      etcd: { version, user, members: 3, arguments: etcdArguments, patienceSeconds: 5 },
      agent: (host: string) => ({
        ttl: TTL_MS,
        etcd_user: user.name,
        etcd_password: user.password,
        etcd_endpoints: endpoints[host],
      }),
    } as const;
    await withLab(options, async (lab) => {
      const renewals = await hearRenewals(lab);
      /** Does something to etcd, and sees that every agent has lived through it with all its addresses. */
      const unmoved = async (harm: () => Promise<unknown>) => {
        // What the default ttl leaves room for is an election, not other tests that fill the machine meanwhile.
        await prefer([...lab.etcd.members, ...lab.hosts.map(({ agent }) => agent)]);
        await lab.judge.catchUp();
        const changes = lab.judge.changes.length;
        await harm();
        // The first may be by a proof of before; the second is not.
        await renewals.untilRenewed(2);
        await assertNothingMoved(lab, changes);
      };

      await t.test(
        'one endpoint dead, one black-holed, all with a slash at the end: all agents begin',
        async () => {
          await lab.halfOpen('client', 'db2');
          await lab.startAgents();
          await lab.untilCounts([2, 2, 2]);
        },
      );

      await t.test('the user has rights below `service` only', async () => {
        const asUser = (...args: readonly string[]) =>
          lab.etcd.control('--user', `${user.name}:${user.password}`, ...args);
        assert.match(await asUser('get', `${lab.service}/ips/10.77.0.101/marked`), /db\d/);
        await assert.rejects(asUser('get', 'elsewhere'), /permission denied/);
        await assert.rejects(asUser('get', '--prefix', ''), /permission denied/);
        await assert.rejects(asUser('put', `${lab.service}-other`, ''), /permission denied/);
      });

      await t.test('a follower frozen, and the token over at the member that its agents go to', async () => {
        const follower = memberUsedBy(lab, 'db1');
        await letLead(lab, follower, false);
        const users = usersOf(lab, follower);
        const others = lab.etcd.members.filter((member) => member !== follower);
        await lab.judge.until(
          () => others.every((member) => told(member, 'deleted a simple token') >= users.length),
          { timeoutMs: 45_000, what: 'the end of the tokens at the other members' },
        );
        const [other] = others;
        assert.ok(other);
        const lines = other.process.lineCount;
        await unmoved(() => goingElsewhere(lab, users, async () => follower.pause()));
        assert.ok(told(other, 'authenticated a user', lines) > 0, 'the agents asked for new tokens');
        follower.resume();
      });

      await t.test('the leader killed, with agents that use it', async () => {
        const leader = memberUsedBy(lab, 'db2');
        await letLead(lab, leader, true);
        await unmoved(async () => {
          await goingElsewhere(lab, usersOf(lab, leader), async () => leader.kill());
          await untilWritten(lab);
        });
        await leader.start();
      });

      await t.test('the endpoint in use black-holed', async () => {
        const member = memberUsedBy(lab, 'db3');
        await untilAllServe(lab);
        let restore = async () => {};
        await unmoved(() =>
          goingElsewhere(lab, ['db3'], async () => {
            restore = await lab.halfOpen(member.name, 'db3');
          }),
        );
        await restore();
      });

      await t.test('history compacted, also what an agent has not yet seen', async () => {
        const { agent } = lab.host('db1');
        await unmoved(() => compactAll(lab));
        const member = memberUsedBy(lab, 'db1');
        await letLead(lab, member, false);
        const changes = lab.judge.changes.length;
        const from = agent.log.length;
        agent.pause();
        member.kill();
        await lab.addAddress('10.77.0.120', { node: 'db1' });
        await lab.etcd.put('elsewhere/later');
        await compactAll(lab);
        agent.resume();
        await agent.waitForEvent('etcd_connected', { from });
        await lab.judge.until((judge) => judge.holders('10.77.0.120').join() === 'db1', {
          timeoutMs: 45_000,
          what: 'db1 with the address that it was not told of',
        });
        await lab.removeAddress('10.77.0.120');
        await untilGone(lab, '10.77.0.120');
        await renewals.untilRenewed(1);
        // An agent that stands still for long loses its own; nobody else has them meanwhile, and it has them again.
        const moved = lab.judge.changes
          .slice(changes)
          .filter(({ address, host }) => address !== '10.77.0.120' && host !== 'db1');
        assert.deepEqual(moved, []);
        await lab.untilCounts([2, 2, 2]);
        await member.start();
      });

      await t.test(
        'without quorum all is dropped before a lease can end, and comes back by itself',
        async () => {
          await untilAllServe(lab);
          const [one, other] = lab.etcd.members;
          for (const member of [one, other]) member?.pause();
          await untilDroppedInTime(lab, renewals, TTL_MS);
          for (const member of [one, other]) member?.resume();
          await lab.untilCounts([2, 2, 2]);
        },
      );
      assert.deepEqual(
        lab.hosts.map(({ agent }) => agent.noise),
        [[], [], []],
      );
    });
  },
);

/** Resolves when the agents of these hosts follow etcd at another endpoint than before. */
async function goingElsewhere(
  lab: Lab,
  users: readonly string[],
  harm: () => Promise<unknown>,
): Promise<void> {
  assert.ok(users.length > 0);
  const before = users.map((name) => ({
    ...lab.host(name),
    was: endpointOf(lab, name),
    from: lab.host(name).agent.log.length,
  }));
  await harm();
  for (const { agent, was, from } of before) {
    await agent.waitForLog(({ event, endpoint }) => event === 'etcd_connected' && endpoint !== was, {
      from,
      timeoutMs: 45_000,
      what: `${agent.name} at another endpoint than ${was}`,
    });
  }
}

/** How often a member has said something of a token of the user, after so many lines. */
function told(member: Service, words: 'authenticated a user' | 'deleted a simple token', after = 0): number {
  const lines = member.process.linesAfter(after);
  return lines.filter((line) => line.includes(words) && line.includes('"yaim"')).length;
}
