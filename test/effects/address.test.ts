import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { VirtualTimeScheduler } from 'rxjs';
import type { KernelAction } from '../../src/domain/action.ts';
import type { View } from '../../src/domain/view.ts';
import { type KernelOutcome, performKernel } from '../../src/effects/address.ts';
import { NO_ANSWER } from '../../src/kernel/address-setter.ts';
import { localStore } from '../../src/local.ts';
import { aSetter } from '../support/a-setter.ts';
import { address, aSession, aSettings } from '../support/a-view.ts';

function anAction(
  kind: KernelAction['kind'],
  text = '10.0.0.7',
  { seconds = 1, ...where }: { seconds?: number; interface?: string; prefixLength?: number } = {},
): KernelAction {
  const prefixLength = text.includes(':') ? 128 : 32;
  const action = { address: address(text), interface: 'eth0', prefixLength, reason: 'why', ...where };
  return kind === 'renew' ? { kind, ...action, seconds } : { kind, ...action };
}

interface Scene {
  readonly recorded?: readonly string[];
  /** The code of the error that the kernel answers to a change; undefined: done. */
  readonly answer?: (change: string) => string | undefined;
  /** For how long the kernel is busy with something else before it is asked for each batch. */
  readonly busyMs?: number;
  /** How long a batch takes. */
  readonly batchMs?: (changes: readonly string[]) => number;
}

/** The effect over a kernel that writes down what it is told, beside what else happens, in order. */
function aScene({ recorded = [], answer = () => undefined, busyMs = 0, batchMs = () => 0 }: Scene = {}) {
  const scheduler = new VirtualTimeScheduler();
  const log: string[] = [];
  const batches: (readonly string[])[] = [];
  const answered: string[] = [];
  const local = localStore({ recorded }, scheduler, (keys) => log.push(`saved ${[...keys].join(' ')}`));
  const performed = performKernel({
    setter: aSetter(
      (changes) => {
        batches.push(changes);
        log.push(...changes);
        scheduler.frame += batchMs(changes);
      },
      answer,
      () => {
        scheduler.frame += busyMs;
      },
    ),
    scheduler,
    local,
    answered: (events) =>
      answered.push(
        ...events.map((event) =>
          'address' in event
            ? `${event.kind} ${event.address.address} ${event.address.expiresAt}`
            : event.kind,
        ),
      ),
    allowSecondaries: (name) => log.push(`secondaries ${name}`),
  });
  const perform = (actions: readonly KernelAction[], session: View['session']) =>
    performed(actions, { session, settings: aSettings() });
  return { scheduler, log, batches, answered, local, perform };
}

function errors(outcomes: readonly KernelOutcome[]): readonly string[] {
  return outcomes.map(({ action, error }) => `${action.kind} ${action.address}: ${error?.message ?? 'done'}`);
}

suite('what the kernel is told', () => {
  test('of an IPv4 address has the label and a lifetime', async () => {
    const { batches, perform } = aScene();
    await perform([anAction('add')], aSession());
    assert.deepEqual(batches, [['add 10.0.0.7/32@eth0 eth0:yaim 8 s']]);
  });
  test('of an IPv6 address has no label, which it cannot have', async () => {
    const { batches, perform } = aScene();
    await perform([anAction('add', '2001:db8::7')], aSession());
    assert.deepEqual(batches, [['add 2001:db8::7/128@eth0 8 s']]);
  });
  test('of a renewal changes the lifetime', async () => {
    const { batches, perform } = aScene();
    await perform([anAction('renew')], aSession());
    assert.deepEqual(batches, [['renew 10.0.0.7/32@eth0 eth0:yaim 8 s']]);
  });
  test('of a removal needs no session', async () => {
    for (const session of [null, 'adopting', aSession({ provenUntil: 0 })] as const) {
      const { batches, perform } = aScene();
      assert.deepEqual(errors(await perform([anAction('remove')], session)), ['remove 10.0.0.7: done']);
      assert.deepEqual(batches, [['remove 10.0.0.7/32@eth0']]);
    }
  });
  test('begins with the removals', async () => {
    const { batches, perform } = aScene();
    const where = { interface: 'eth1' };
    await perform([anAction('add', '10.0.0.7', where), anAction('remove')], aSession());
    assert.match(batches[0]?.[0] ?? '', /^remove 10.0.0.7\/32@eth0/);
    assert.match(batches[1]?.[0] ?? '', /^add 10.0.0.7\/32@eth1/);
  });
  test('is so much at once, new ones first: the others are decided on anew', async () => {
    const { batches, perform } = aScene();
    const many = (kind: 'add' | 'renew', network: string) =>
      Array.from({ length: 250 }, (_, index) => anAction(kind, `${network}${index}`));
    assert.equal(
      (await perform([...many('renew', '10.0.2.'), ...many('add', '10.0.1.')], aSession())).length,
      400,
    );
    const told = batches.flat();
    assert.deepEqual([told.length, told.findIndex((line) => line.startsWith('renew'))], [400, 250]);
    assert.ok(batches.every(({ length }) => length <= 128));
    const slower = await perform(many('add', 'fd77::'), aSession());
    assert.equal(slower.length, 100, 'IPv6 costs the kernel more');
  });
  test('is nothing where there is nothing to do', async () => {
    const { log, perform } = aScene();
    assert.deepEqual(await perform([], aSession()), []);
    assert.deepEqual(log, []);
  });
});

suite('a lifetime', () => {
  test('is worked out when its batch is sent, not when it was decided', async () => {
    const { scheduler, batches, perform } = aScene({ batchMs: () => 50 });
    scheduler.frame = 4000;
    const many = Array.from({ length: 2 }, (_, index) => anAction('add', `10.0.1.${index}`));
    // Enough for 4 s at the decision, for 3 s after a slow removal.
    await perform(
      [...many, ...Array(21).fill(anAction('remove', '10.0.2.1'))],
      aSession({ provenUntil: 9310 }),
    );
    assert.deepEqual(
      batches.slice(1).map(([line]) => line?.match(/ (\d+) s$/)?.[1]),
      ['3'],
    );
  });
  test('is worked out once the kernel is free; where that was too late for any, what is to go still goes', async () => {
    const busy = aScene({ busyMs: 3000 });
    await busy.perform([anAction('add')], aSession());
    assert.deepEqual(busy.batches, [['add 10.0.0.7/32@eth0 eth0:yaim 5 s']]);
    const late = aScene({ busyMs: 9000 });
    assert.deepEqual(
      errors(await late.perform([anAction('add'), anAction('remove', '10.0.0.8')], aSession())),
      ['remove 10.0.0.8: done'],
    );
    assert.deepEqual(late.batches, [['remove 10.0.0.8/32@eth0']]);
  });
  test('below a second is none: nothing is added or renewed any more', async () => {
    const { batches, perform } = aScene();
    assert.deepEqual(
      await perform([anAction('add'), anAction('renew', '10.0.0.8')], aSession({ provenUntil: 2299 })),
      [],
    );
    assert.deepEqual(batches, []);
  });
  test('of a renewal that comes too late to win anything stays as it is; others are renewed', async () => {
    const { batches, perform } = aScene();
    const late = anAction('renew', '10.0.0.7', { seconds: 5 });
    const inTime = anAction('renew', '10.0.0.8', { seconds: 4 });
    const session = aSession({ provenUntil: 6299 });
    assert.deepEqual(errors(await perform([late, inTime], session)), ['renew 10.0.0.8: done']);
    assert.equal(batches.length, 1);
    assert.deepEqual(await perform([late], session), []);
    assert.equal(batches.length, 1);
  });
  test('without a session is none', async () => {
    for (const session of [null, 'adopting'] as const) {
      const { batches, perform } = aScene();
      assert.deepEqual(await perform([anAction('add'), anAction('renew')], session), []);
      assert.deepEqual(batches, []);
    }
  });
});

suite('a batch that took so long that a lifetime could outlast the proof', () => {
  const slow = (answer: Scene['answer'] = () => undefined) =>
    aScene({
      batchMs: (lines) => (lines.some((line) => / \d+ s$/.test(line)) ? 1001 : 0),
      answer,
    });

  test('is taken back at once, and counts as failed', async () => {
    const { batches, perform, local } = slow();
    const outcomes = await perform([anAction('add'), anAction('renew', '10.0.0.8')], aSession());
    assert.deepEqual(errors(outcomes), [
      'add 10.0.0.7: the kernel took more than 300 ms',
      'renew 10.0.0.8: the kernel took more than 300 ms',
    ]);
    assert.deepEqual(batches[1], ['remove 10.0.0.7/32@eth0', 'remove 10.0.0.8/32@eth0']);
    assert.equal(local.recorded().size, 0);
  });
  test('leaves alone what the kernel refused: that is somebody else’s', async () => {
    const { batches, perform } = slow((line) => (line.includes('10.0.0.7') ? 'EEXIST' : undefined));
    const outcomes = await perform([anAction('add'), anAction('add', '10.0.0.8')], aSession());
    assert.deepEqual(batches[1], ['remove 10.0.0.8/32@eth0']);
    assert.equal(outcomes[0]?.error?.code, 'EEXIST');
  });
  test('stays recorded where it could not be taken back', async () => {
    const { perform, local } = slow((line) => (line.includes('remove') ? 'EPERM' : undefined));
    await perform([anAction('add')], aSession());
    assert.deepEqual([...local.recorded()], ['10.0.0.7/32@eth0']);
  });
  test('is none as long as they cannot, however slow it is', async () => {
    const { batches, perform } = aScene({ batchMs: () => 1000 });
    await perform([anAction('add')], aSession());
    assert.equal(batches.length, 1);
  });
});

suite('an address that is there already', () => {
  const there = (recorded: readonly string[]) => aScene({ recorded, answer: () => 'EEXIST' });

  test('is added where this node put it there and the kernel has not said so yet', async () => {
    const { perform, local } = there(['10.0.0.7/32@eth0']);
    assert.deepEqual(errors(await perform([anAction('add')], aSession())), ['add 10.0.0.7: done']);
    assert.deepEqual([...local.recorded()], ['10.0.0.7/32@eth0']);
  });
  test('is somebody else’s otherwise', async () => {
    const { perform, local } = there([]);
    const outcomes = await perform([anAction('add')], aSession());
    assert.deepEqual(errors(outcomes), ['add 10.0.0.7: it says EEXIST']);
    assert.equal(local.recorded().size, 0);
  });
});

suite('the record of what may be on an interface', () => {
  test('is written before the first address is added, with all of them', async () => {
    const { log, perform } = aScene();
    await perform([anAction('add'), anAction('add', '2001:db8::7')], aSession());
    assert.equal(log[0], 'saved 10.0.0.7/32@eth0 2001:db8::7/128@eth0');
    assert.match(log[1] ?? '', /^add/);
  });
  test('has them before anything is awaited: no decision takes them for absent', async () => {
    const { local, perform } = aScene();
    const many = Array.from({ length: 50 }, (_, index) => anAction('add', `10.0.1.${index}`));
    const performed = perform([anAction('remove', '10.0.2.1'), ...many], aSession());
    assert.equal(local.recorded().size, 50);
    await performed;
  });
  test('has what is renewed: a renewal adds what has just run out', async () => {
    const { local, perform } = aScene();
    const performed = perform([anAction('renew')], aSession());
    assert.deepEqual([...local.recorded()], ['10.0.0.7/32@eth0']);
    await performed;
  });
  test('forgets what was taken off', async () => {
    const { local, perform } = aScene({ recorded: ['10.0.0.7/32@eth0', '10.0.0.8/32@eth0'] });
    await perform([anAction('remove')], null);
    assert.deepEqual([...local.recorded()], ['10.0.0.8/32@eth0']);
  });
  test('forgets what was not there to be taken off', async () => {
    const { local, perform } = aScene({ recorded: ['10.0.0.7/32@eth0'], answer: () => 'EADDRNOTAVAIL' });
    assert.deepEqual(errors(await perform([anAction('remove')], null)), ['remove 10.0.0.7: done']);
    assert.equal(local.recorded().size, 0);
  });
  test('keeps what could not be taken off', async () => {
    // An interface that is not there may have another name by now.
    for (const error of ['EPERM', NO_ANSWER, 'ENODEV']) {
      const { local, perform } = aScene({ recorded: ['10.0.0.7/32@eth0'], answer: () => error });
      assert.deepEqual(errors(await perform([anAction('remove')], null)), [
        `remove 10.0.0.7: it says ${error}`,
      ]);
      assert.equal(local.recorded().size, 1, error);
    }
  });
  test('forgets what the kernel refused to add: it is not there, or somebody else’s', async () => {
    const { local, perform } = aScene({ answer: () => 'EEXIST' });
    assert.deepEqual(errors(await perform([anAction('add')], aSession())), ['add 10.0.0.7: it says EEXIST']);
    assert.equal(local.recorded().size, 0);
  });
  test('keeps what was there before, whatever the kernel says now', async () => {
    const { local, perform } = aScene({ recorded: ['10.0.0.7/32@eth0'], answer: () => 'EEXIST' });
    await perform([anAction('add')], aSession());
    assert.equal(local.recorded().size, 1);
  });
  test('keeps what nobody answered for', async () => {
    const { local, perform } = aScene({ answer: () => NO_ANSWER });
    await perform([anAction('add')], aSession());
    assert.equal(local.recorded().size, 1);
  });
});

test('an IPv4 network’s other addresses are made safe before one of them can be the first to go', async () => {
  const { log, perform } = aScene();
  const wide = { prefixLength: 24 };
  await perform(
    [
      anAction('add', '10.0.0.7', wide),
      anAction('add', '10.0.0.8'),
      anAction('add', '2001:db8::7', { prefixLength: 64 }),
    ],
    aSession(),
  );
  assert.deepEqual(
    log.filter((line) => line.startsWith('secondaries')),
    ['secondaries eth0'],
  );
  assert.ok(log.indexOf('secondaries eth0') < log.findIndex((line) => line.startsWith('add')));
});

suite('what the kernel answered', () => {
  test('is told at once: what is on, until when at the latest, and what is off', async () => {
    const { answered, perform } = aScene();
    await perform([anAction('remove'), anAction('add', '10.0.0.8')], aSession());
    assert.deepEqual(answered, ['taken-off 10.0.0.7 0', 'put-on 10.0.0.8 8000']);
  });
  test('of an address that was not there says that it is off', async () => {
    const { answered, perform } = aScene({ answer: () => 'EADDRNOTAVAIL' });
    await perform([anAction('remove')], aSession());
    assert.deepEqual(answered, ['taken-off 10.0.0.7 0']);
  });
  test('is nothing where it failed or said nothing, and nothing new of a renewal', async () => {
    for (const error of ['EPERM', NO_ANSWER, 'ENODEV']) {
      const { answered, perform } = aScene({ answer: () => error });
      await perform([anAction('remove'), anAction('add', '10.0.0.8')], aSession());
      assert.deepEqual(answered, [], error);
    }
    const { answered, perform } = aScene();
    await perform([anAction('renew')], aSession());
    assert.deepEqual(answered, []);
  });
  test('of an address that was added too late says only that it is off again', async () => {
    const { answered, perform } = aScene({ batchMs: (lines) => (lines[0]?.startsWith('add') ? 1001 : 0) });
    await perform([anAction('add')], aSession());
    assert.deepEqual(answered, ['taken-off 10.0.0.7 0']);
  });
});
