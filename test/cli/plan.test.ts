import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CommandError } from '../../src/cli/exit.ts';
import { readState } from '../../src/cli/plan-state.ts';
import { yaim } from '../support/yaim-command.ts';

/** The example of the contract. */
const example = {
  nodes: [{ name: 'db1', healthy: true, drained: false, weight: 1, role: 'primary', subnets: [] }],
  addresses: [
    { address: '10.0.0.7', holder: 'db1', options: { prefer: 'db2' } },
    { address: '10.0.0.8', holder: null, options: {} },
  ],
};

/** Planned without configuration: that is what --state is for. */
const planned = (state: unknown, ...args: readonly string[]) =>
  yaim(['plan', '--state', '-', ...args], {
    input: typeof state === 'string' ? state : JSON.stringify(state),
  });

const answer = async (state: unknown, ...args: readonly string[]) => {
  const { code, stdout, stderr } = await planned(state, '--json', ...args);
  assert.deepEqual([code, stderr], [0, '']);
  return JSON.parse(stdout);
};

describe('yaim plan --state', () => {
  test('answers the example of the contract, field for field', async () => {
    const { moves, ...rest } = await answer(example);
    assert.deepEqual(rest, { result: { db1: ['10.0.0.7', '10.0.0.8'] }, unheld: [], spread: 0 });
    const [{ reason, ...move }] = moves;
    assert.deepEqual(move, { address: '10.0.0.8', from: null, to: 'db1' });
    assert.match(reason, /nobody holds it/);
    assert.equal(moves.length, 1);
  });

  test('all fields but name and address may be missing', async () => {
    const state = {
      nodes: [{ name: 'a' }, { name: 'b' }],
      addresses: [{ address: '10.0.0.1' }, { address: '10.0.0.2' }],
    };
    assert.deepEqual((await answer(state)).result, { a: ['10.0.0.1'], b: ['10.0.0.2'] });
    assert.deepEqual(await answer({}), { moves: [], result: {}, unheld: [], spread: 0 });
  });

  test('supposes that nodes and addresses come and go', async () => {
    const [gone, there, more, fewer] = await Promise.all([
      answer(example, '--without', 'db1'),
      answer(example, '--with', 'db2'),
      answer(example, '--add', '10.0.0.9', '--add', '2001:DB8::1', '--add', '10.0.0.7'),
      answer(example, '--remove', '10.0.0.7', '--remove', '10.0.0.8'),
    ]);
    assert.deepEqual(
      gone.unheld.map(({ address }: { address: string }) => address),
      ['10.0.0.7', '10.0.0.8'],
    );
    assert.deepEqual(gone.result, {});
    assert.equal(gone.moves[0].from, 'db1');
    assert.deepEqual(there.result, { db1: ['10.0.0.7'], db2: ['10.0.0.8'] });
    assert.deepEqual(more.result.db1, ['10.0.0.7', '10.0.0.8', '10.0.0.9', '2001:db8::1']);
    assert.deepEqual(fewer.result, { db1: [] });
  });

  test('what cannot be supposed is said: unknown nodes and addresses, and what is no address', async () => {
    const [node, address, invalid] = await Promise.all([
      planned(example, '--without', 'db7'),
      planned(example, '--remove', '10.0.0.1'),
      planned(example, '--add', '10.0.0.1/24'),
    ]);
    assert.equal(node.stderr, 'yaim: there is no node db7 in the present state; there are db1\n');
    assert.equal(address.stderr, 'yaim: there is no address 10.0.0.1 in the present state\n');
    assert.match(invalid.stderr, /"10.0.0.1\/24" is no IPv4 or IPv6 address/);
    assert.deepEqual([node.code, address.code, invalid.code], [1, 1, 64]);
  });

  test('a state that cannot be read is refused with its place', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'yaim-plan-'));
    t.after(() => rm(directory, { recursive: true }));
    const file = join(directory, 'state.json');
    const cases: readonly (readonly [unknown, RegExp])[] = [
      ['{', /state.json: no JSON/],
      [{ nodes: [{}] }, /state.json: \$.nodes\[0\].name: must be a text$/],
      [[], /state.json: must be an object$/],
      [{ nodes: [{ name: 'a', weight: -1 }] }, /\$.nodes\[0\].weight: must be at least 0$/],
      [{ nodes: [{ name: 'a' }, { name: 'a' }] }, /node a is listed twice/],
      [
        { addresses: [{ address: '2001:db8::1' }, { address: '2001:DB8::1' }] },
        /2001:db8::1 is listed twice/,
      ],
      [{ addresses: [{ address: 'x' }] }, /"x" is no IPv4 or IPv6 address/],
      [{ addresses: [{ address: '10.0.0.1', options: { nod: 'a' } }] }, /options of 10.0.0.1: .*nod/],
    ];
    for (const [state, pattern] of cases) {
      await writeFile(file, typeof state === 'string' ? state : JSON.stringify(state));
      assert.throws(
        () => readState(file),
        (error) => error instanceof CommandError && error.status === 1 && pattern.test(error.message),
      );
    }
    const broken = await planned('{');
    assert.match(broken.stderr, /^yaim: stdin: no JSON: .*\n$/);
    assert.deepEqual([broken.code, broken.stdout], [1, '']);
    const missing = await yaim(['plan', '--state', '/nowhere.json']);
    assert.deepEqual([missing.code, missing.stderr], [1, 'yaim: /nowhere.json: no such file\n']);
  });

  test('of what nobody can hold for the same reason one line tells, however large the pool is', async () => {
    const nodes = ['db1', 'db2', 'db3'].map((name) => ({ name }));
    const addresses = Array.from({ length: 9 }, (_, index) => ({
      address: `10.0.0.${index + 1}`,
      options: { role: index < 8 ? 'x' : 'y' },
    }));
    const { stdout } = await planned({ nodes, addresses });
    assert.deepEqual(stdout.match(/^UNHELD.*$/gm), [
      'UNHELD  10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5 and 3 more: no healthy node can host it: no node has role x',
      'UNHELD  10.0.0.9: no healthy node can host it: no node has role y',
    ]);
  });

  test('as text it says what moves and why, who has what then, and what nobody can hold', async () => {
    const state = {
      ...example,
      addresses: [...example.addresses, { address: '10.0.0.9', options: { role: 'x' } }],
    };
    const { stdout } = await planned(state);
    assert.match(
      stdout,
      /^1 of 3 addresses on 1 node would change hands:\nADDRESS +FROM +TO +WHY\n10.0.0.8 +- +db1 +nobody/,
    );
    assert.match(
      stdout,
      /^Fewer moves are not possible: there is 1 address that nobody has or whose holder must not keep it\.$/m,
    );
    assert.match(stdout, /UNHELD +10.0.0.9: no healthy node can host it: no node has role x/);
    assert.match(stdout, /Then \(spread 0\):\nNODE +ADDRESSES\ndb1 +2: 10.0.0.7, 10.0.0.8\n$/);
    const done = await planned({ ...example, addresses: [{ address: '10.0.0.7', holder: 'db1' }] });
    assert.match(done.stdout, /^Nothing to do for 1 address on 1 node.\n/);
  });
});
