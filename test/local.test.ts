import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { VirtualTimeScheduler } from 'rxjs';
import type { Release } from '../src/domain/action.ts';
import type { Local } from '../src/domain/view.ts';
import { localStore } from '../src/local.ts';
import { address } from './support/a-view.ts';

const seven = address('10.0.0.7');
const eight = address('10.0.0.8');

function aStore(recorded: readonly string[] = []) {
  const scheduler = new VirtualTimeScheduler();
  const saved: string[] = [];
  const views: Local[] = [];
  const store = localStore({ recorded }, scheduler, (keys) => saved.push([...keys].join(' ')));
  store.local$.subscribe((local) => views.push(local));
  /** Lets virtual time pass. */
  const pass = (ms: number): void => {
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.flush();
    scheduler.frame = scheduler.maxFrames;
  };
  const local = (): Local => views.at(-1) as Local;
  return { store, saved, views, pass, local };
}

function aRelease(ip: typeof seven, guardRevision: number | null): Release {
  return { address: ip, guardRevision, markRevision: 1, reason: '' };
}

suite('the record', () => {
  test('begins with what the previous run left', () =>
    assert.deepEqual([...aStore(['a', 'b']).local().recorded], ['a', 'b']));
  test('is saved before anybody sees it', () => {
    const { store, saved } = aStore();
    let savedWhenSeen = -1;
    store.local$.subscribe(({ recorded }) => {
      if (recorded.has('a')) savedWhenSeen = saved.length;
    });
    store.record(['a']);
    assert.equal(savedWhenSeen, 1);
  });
  test('is saved and told about only when it changes', () => {
    const { store, saved, views, pass } = aStore(['a']);
    store.record(['a']);
    store.record([]);
    store.forget(['z']);
    assert.deepEqual([saved.length, views.length], [0, 1]);
    store.record(['a', 'b']);
    store.forget(['a']);
    assert.deepEqual([...store.recorded()], ['b']);
    pass(1000);
    assert.deepEqual(saved, ['a b', 'b']);
  });
  test('may be saved with more than it has for a second, and never with less', () => {
    const { store, saved, pass } = aStore(['a', 'b']);
    store.forget(['a']);
    pass(999);
    assert.deepEqual(saved, []);
    store.record(['c']);
    assert.deepEqual(saved, ['b c']);
    store.forget(['b']);
    store.record(['b']);
    pass(2000);
    assert.deepEqual(saved, ['b c']);
  });
  test('is saved with what is expected, and told of it when it is there', () => {
    const { store, saved, views, pass, local } = aStore(['a']);
    store.expect(['b']);
    assert.deepEqual([saved, views.length], [['a b'], 1]);
    store.record(['b']);
    assert.deepEqual([saved, [...local().recorded]], [['a b'], ['a', 'b']]);
    pass(2000);
    assert.equal(saved.length, 1);
  });
  test('is saved without what was expected and did not come', () => {
    const { store, saved, pass } = aStore(['a']);
    store.expect(['b']);
    pass(1000);
    assert.deepEqual(saved, ['a b', 'a']);
  });
});

suite('an address that this host could not take', () => {
  test('is refused for a second', () => {
    const { store, pass, local } = aStore();
    store.refuse(seven, 'no');
    assert.deepEqual([...local().refusals], [[seven, 'no']]);
    pass(999);
    assert.equal(local().refusals.size, 1);
    pass(1);
    assert.equal(local().refusals.size, 0);
  });
  test('is refused longer each time, up to a minute', () => {
    const { store, pass, local } = aStore();
    for (const ms of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      store.refuse(seven, 'no');
      pass(ms - 1);
      assert.equal(local().refusals.size, 1, `${ms}`);
      pass(1);
      assert.equal(local().refusals.size, 0, `${ms}`);
    }
  });
  test('begins anew once it was taken', () => {
    const { store, pass, local } = aStore();
    store.refuse(seven, 'no');
    pass(1000);
    store.accept(seven);
    store.refuse(seven, 'no');
    pass(1000);
    assert.equal(local().refusals.size, 0);
  });
  test('says nothing about others', () => {
    const { store, pass, local } = aStore();
    store.refuse(seven, 'no');
    pass(500);
    store.refuse(eight, 'no');
    pass(500);
    assert.deepEqual([...local().refusals.keys()], [eight]);
  });
  test('and is refused again meanwhile is refused as long as the last time says', () => {
    const { store, pass, local } = aStore();
    store.refuse(seven, 'no');
    pass(500);
    store.refuse(seven, 'no');
    pass(1999);
    assert.equal(local().refusals.size, 1);
    pass(1);
    assert.equal(local().refusals.size, 0);
  });
  test('is refused for the latest reason', () => {
    const { store, pass, local } = aStore();
    store.refuse(seven, 'first');
    store.refuse(seven, 'second');
    assert.deepEqual([...local().refusals], [[seven, 'second']]);
    pass(2000);
    assert.equal(local().refusals.size, 0);
  });
});

suite('a release', () => {
  test('that was sent is remembered by its guard’s revision', () => {
    const { store, local } = aStore();
    store.sendReleases([aRelease(seven, 11), aRelease(eight, null)]);
    assert.deepEqual([...local().releasing], [[seven, 11]]);
  });
});
