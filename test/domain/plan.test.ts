import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../src/domain/plan.ts';
import { aNode, anAddress, checkPlan } from './plan-table.ts';

const THREE_NODES = `
  db1
  db2
  db3
`;

test('a fresh pool is shared out evenly, extra addresses to the first nodes by name', () => {
  const { spread } = checkPlan(
    THREE_NODES,
    `
    10.0.0.1 | - | | db1 | claim: nobody holds it; db1 has the fewest addresses (0)
    10.0.0.2 | - | | db1 | claim: nobody holds it; db1 has the fewest addresses (0)
    10.0.0.9 | - | | db2 | claim: nobody holds it; db2 has the fewest addresses (0)
    10.0.0.10 | - | | db3 | claim: nobody holds it; db3 has the fewest addresses (0)
    `,
  );
  assert.equal(spread, 1);
});

test('an even pool stays as it is, also where another node came first by name', () => {
  checkPlan(
    THREE_NODES,
    `
    10.0.0.1 | db3 | | db3
    10.0.0.2 | db3 | | db3
    10.0.0.3 | db2 | | db2
    10.0.0.4 | db1 | | db1
    `,
  );
});

test('a new address goes to the node that has the fewest', () => {
  checkPlan(
    THREE_NODES,
    `
    10.0.0.1 | db1 | | db1
    10.0.0.2 | db2 | | db2
    10.0.0.3 | - | | db3 | claim: nobody holds it; db3 has the fewest addresses (0)
    `,
  );
});

test('a sick node is relieved of everything, and the others keep what they have', () => {
  checkPlan(
    `
    db1
    db2 | sick
    db3
    `,
    `
    10.0.0.1 | db1 | | db1
    10.0.0.2 | db1 | | db1
    10.0.0.3 | db2 | | db1 | evacuate: db2 is sick; db1 takes it to reach its share of 3 addresses
    10.0.0.4 | db2 | | db3 | evacuate: db2 is sick; db3 has the fewest addresses (1)
    10.0.0.5 | db3 | | db3
    `,
  );
});

test('a drained node is relieved like a sick one', () => {
  checkPlan(
    `
    db1
    db2 | drained
    `,
    `
    10.0.0.1 | db2 | | db1 | evacuate: db2 is drained; only db1 can host it
    10.0.0.2 | - | | db1 | claim: nobody holds it; only db1 can host it
    `,
  );
});

test('a holder that is not among the nodes is a claim for others', () => {
  checkPlan(
    THREE_NODES,
    `
    10.0.0.1 | db9 | | db1 | claim: its holder db9 is not among the nodes; db1 has the fewest addresses (0)
    `,
  );
});

test('a node that joins gets its share, the highest addresses of those with most, and nobody else moves', () => {
  checkPlan(
    THREE_NODES,
    `
    10.0.0.1 | db1 | | db1
    10.0.0.2 | db1 | | db1
    10.0.0.3 | db1 | | db3 | balance: db1 has 3 addresses and db3 only 0
    10.0.0.4 | db2 | | db2
    10.0.0.5 | db2 | | db2
    10.0.0.6 | db2 | | db3 | balance: db2 has 3 addresses and db3 only 0
    `,
  );
});

test('a difference of one is left alone', () => {
  checkPlan(
    `
    db1
    db2
    `,
    `
    10.0.0.1 | db2 | | db2
    10.0.0.2 | db2 | | db2
    10.0.0.3 | db1 | | db1
    `,
  );
});

test('a released address goes where it was going', () => {
  checkPlan(
    `
    db1
    db2
    `,
    `
    10.0.0.1 | db1 | | db1
    10.0.0.2 | db1 | | db1
    10.0.0.3 | db1 | | db2 | balance: db1 has 3 addresses and db2 only 0
    10.0.0.4 | - | | db2 | claim: nobody holds it; db2 has the fewest addresses (0)
    `,
  );
});

test('loads follow the weights', () => {
  checkPlan(
    `
    db1
    db2 | weight=3
    `,
    `
    10.0.0.1 | db1 | | db1
    10.0.0.2 | db1 | | db2 | balance: db1 has 4 addresses at weight 1 and db2 0 at weight 3
    10.0.0.3 | db1 | | db2 | balance: db1 has 4 addresses at weight 1 and db2 0 at weight 3
    10.0.0.4 | db1 | | db2 | balance: db1 has 4 addresses at weight 1 and db2 0 at weight 3
    `,
  );
});

test('a node of weight 0 gives up what others can host and keeps what only it can', () => {
  checkPlan(
    `
    db1
    db2 | weight=0
    `,
    `
    10.0.0.1 | db2 | | db1 | balance: db2 has weight 0 and db1 has not
    10.0.0.2 | db2 | node=db2 | db2
    10.0.0.3 | - | node=db2 | db2 | claim: nobody holds it; pinned to db2 by its pool options
    `,
  );
});

test('a pinned address waits for its node', () => {
  checkPlan(
    `
    db1
    db2 | drained
    `,
    `
    10.0.0.1 | - | node=db1 | db1 | claim: nobody holds it; pinned to db1 by its pool options
    10.0.0.2 | db1 | node=db2 | - | evacuate: db1 is not db2, to which its pool options pin it; no healthy node can host it: db2 (pinned) is drained
    10.0.0.3 | - | node=db9 | - | no healthy node can host it: db9 (pinned) is not among the nodes
    `,
  );
});

test('pinned addresses make others give way', () => {
  checkPlan(
    `
    db1
    db2
    `,
    `
    10.0.0.1 | db1 | | db1
    10.0.0.2 | db1 | | db2 | balance: makes room on db1 for others; db1 ends with 3, db2 with 3 addresses
    10.0.0.3 | db2 | | db2
    10.0.0.4 | db2 | | db2
    10.0.0.5 | - | node=db1 | db1 | claim: nobody holds it; pinned to db1 by its pool options
    10.0.0.6 | - | node=db1 | db1 | claim: nobody holds it; pinned to db1 by its pool options
    `,
  );
});

test('an address with a role follows the role', () => {
  checkPlan(
    `
    db1 | role=replica
    db2 | role=primary
    db3
    `,
    `
    10.0.0.1 | db1 | role=primary | db2 | evacuate: db1 has role replica, and it needs role primary; only db2 can host it
    10.0.0.2 | db3 | role=primary | db2 | evacuate: db3 has no role, and it needs role primary; only db2 can host it
    10.0.0.3 | - | role=witness | - | no healthy node can host it: no node has role witness
    `,
  );
});

test('where only nodes of a role could take an address, it says what is wrong with them', () => {
  checkPlan(
    `
    db1 | role=replica
    db2 | role=primary, sick
    `,
    `
    10.0.0.1 | db2 | role=primary | - | evacuate: db2 is sick; no healthy node can host it: db2 (role primary) is sick
    `,
  );
});

test('nodes get only addresses of their subnets', () => {
  checkPlan(
    `
    db1 | subnet=10.0.0.0/24
    db2 | subnet=10.1.0.0/24, subnet=2001:db8::/64
    `,
    `
    10.0.0.1 | - | | db1 | claim: nobody holds it; only db1 can host it
    10.1.0.1 | db1 | | db2 | evacuate: db1 serves only 10.0.0.0/24; only db2 can host it
    10.2.0.1 | - | | - | no healthy node can host it: db1 serves only 10.0.0.0/24, db2 serves only 10.1.0.0/24, 2001:db8::/64
    2001:db8::7 | - | | db2 | claim: nobody holds it; only db2 can host it
    `,
  );
});

test('a node does not get what it refuses, and an even load leads around it', () => {
  checkPlan(
    `
    db1
    db2 | refuses 10.0.0.1: its interface is down
    db3
    `,
    `
    10.0.0.1 | db2 | | db3 | evacuate: db2 cannot host it: its interface is down; db3 has the fewest addresses (0)
    10.0.0.2 | - | | db1 | claim: nobody holds it; db1 has the fewest addresses (0)
    10.0.0.3 | - | | db2 | claim: nobody holds it; db2 takes it to reach its share of 1 address
    `,
  );
});

test('a chain of moves evens loads that no single move could', () => {
  checkPlan(
    `
    db1 | role=primary
    db2
    db3 | refuses 10.0.0.1: no, refuses 10.0.0.2: no
    `,
    `
    10.0.0.1 | db1 | | db2 | balance: db1 has 4 addresses and db2 only 2
    10.0.0.2 | db1 | | db2 | balance: db1 has 4 addresses and db2 only 2
    10.0.0.3 | db1 | role=primary | db1
    10.0.0.4 | db1 | role=primary | db1
    10.0.0.5 | db2 | | db3 | balance: makes room on db2 for others; db2 ends with 2, db3 with 2 addresses
    10.0.0.6 | db2 | | db3 | balance: makes room on db2 for others; db2 ends with 2, db3 with 2 addresses
    `,
  );
});

test('a blocked address is held by nobody', () => {
  const blocked = 'blocked: is configured on db2 outside yaim';
  checkPlan(
    THREE_NODES,
    `
    10.0.0.1 | - | ${blocked} | - | it is configured on db2 outside yaim; nobody may hold it
    10.0.0.2 | db1 | ${blocked} | - | evacuate: it is configured on db2 outside yaim; nobody may hold it
    `,
  );
});

test('a preference chooses among equals', () => {
  checkPlan(
    `
    db1
    db2
    `,
    `
    10.0.0.1 | - | prefer=db2 | db2 | claim: nobody holds it; its pool options prefer db2
    10.0.0.2 | - | | db1 | claim: nobody holds it; db1 has the fewest addresses (0)
    `,
  );
});

test('a preference moves no address and makes no load uneven', () => {
  checkPlan(
    `
    db1
    db2
    `,
    `
    10.0.0.1 | db1 | prefer=db2 | db1
    10.0.0.2 | db2 | prefer=db1 | db2
    10.0.0.3 | db1 | | db1
    10.0.0.4 | - | prefer=db1 | db2 | claim: nobody holds it; db2 has the fewest addresses (1)
    `,
  );
});

test('when an address has to move, the one that prefers the taker moves', () => {
  checkPlan(
    `
    db1
    db2
    `,
    `
    10.0.0.1 | db1 | prefer=db2 | db2 | balance: db1 has 2 addresses and db2 only 0
    10.0.0.2 | db1 | | db1
    `,
  );
});

test('without nodes nobody holds anything, and the first few are named where there are many', () => {
  checkPlan('', '10.0.0.1 | - | | - | no healthy node can host it: there are no nodes');
  checkPlan(
    `
    db1 | sick
    db2 | drained
    db3 | sick
    db4 | sick
    db5 | sick
    `,
    `
    10.0.0.1 | - | | - | no healthy node can host it: db1 is sick (likewise db3, db4, db5), db2 is drained
    `,
  );
  const many = Array.from(
    { length: 14 },
    (_, index) => `db${index + 10} | ${index < 5 ? `subnet=10.${index}.0.0/24` : 'sick'}`,
  );
  checkPlan(
    many.slice(2).join('\n'),
    `
    10.9.0.1 | - | | - | no healthy node can host it: db12 serves only 10.2.0.0/24, db13 serves only 10.3.0.0/24, db14 serves only 10.4.0.0/24, nor can 9 more
    `,
  );
  checkPlan(
    many.slice(4).join('\n'),
    `
    10.9.0.1 | - | | - | no healthy node can host it: db14 serves only 10.4.0.0/24, db15 is sick (likewise db16, db17, db18 and 5 more)
    `,
  );
});

test('without addresses every node is in the result with none', () => {
  const { result, spread, moves } = plan([aNode({ name: 'db2' }), aNode({ name: 'db1' })], []);
  assert.deepEqual(
    [...result],
    [
      ['db1', []],
      ['db2', []],
    ],
  );
  assert.deepEqual({ spread, moves }, { spread: 0, moves: [] });
});

test('the spread counts only nodes that can take an address of this pool', () => {
  const nodes = [
    aNode({ name: 'db1' }),
    aNode({ name: 'db2', subnets: ['10.9.0.0/24'] }),
    aNode({ name: 'db3' }),
  ];
  const pool = [1, 2, 3, 4].map((last) => anAddress(`10.0.0.${last}`));
  assert.equal(plan(nodes, pool).spread, 0);
});

test('ten thousand addresses on a thousand nodes take a moment, also with some restricted', () => {
  const nodes = Array.from({ length: 1000 }, (_, index) =>
    aNode({ name: `db${index}`, role: index < 9 ? 'primary' : null }),
  );
  const pool = Array.from({ length: 10_000 }, (_, index) =>
    anAddress(`10.0.${index >> 8}.${index & 255}`, { options: index % 500 === 0 ? { role: 'primary' } : {} }),
  );
  const begin = process.threadCpuUsage();
  assert.equal(plan(nodes, pool).spread, 0);
  // Time of this thread alone, whatever else the machine does: typically 30 ms; an algorithm must not be cubic.
  assert(process.threadCpuUsage(begin).user < 3_000_000);
});
