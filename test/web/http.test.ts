import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  BehaviorSubject,
  filter,
  firstValueFrom,
  Observable,
  of,
  ReplaySubject,
  type SchedulerLike,
  type Subscription,
} from 'rxjs';
import { monotonicScheduler } from '../../src/clock.ts';
import type { Takeover } from '../../src/domain/history.ts';
import type { View } from '../../src/domain/view.ts';
import type { Log } from '../../src/log.ts';
import { web } from '../../src/web/web.ts';
import { aSession, aView } from '../support/a-view.ts';
import { virtualClock } from '../support/virtual-clock.ts';

interface Logged {
  readonly event: string;
  readonly level: string;
  readonly url?: unknown;
  readonly error?: string;
}

/** Proven for as long as this test runs. */
const session = aSession({ provenUntil: performance.now() + 600_000 });
const pool = ['10.0.0.7', '10.0.0.8'];
const wellOn = (second: string): View =>
  aView({ session, pool, sessions: ['db1', 'db2'], holders: { '10.0.0.7': 'db1', '10.0.0.8': second } });
const well = wellOn('db2');

/** A page on a port of its own, with views by hand. */
function served({
  port = 0,
  takeovers$ = of([]),
  scheduler = monotonicScheduler,
}: Partial<{
  readonly port: number;
  readonly takeovers$: Observable<readonly Takeover[]>;
  readonly scheduler: SchedulerLike;
}> = {}) {
  const log$ = new ReplaySubject<Logged>();
  const log: Log = (level, event, _message, fields) => log$.next({ level, event, ...fields });
  const view$ = new BehaviorSubject<View>(well);
  const page = web({
    service: 'svc',
    node: 'db1',
    listen: { host: '127.0.0.1', port },
    version: '1.2.3',
    assets: new URL('../../src/web/page/', import.meta.url),
    scheduler,
    log,
  });
  const subscription: Subscription = page.serve$(view$, takeovers$).subscribe();
  const logged = (event: string) => firstValueFrom(log$.pipe(filter((line) => line.event === event)));
  return { page, view$, logged, stop: () => subscription.unsubscribe() };
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

describe('the page of an agent', () => {
  let parts: ReturnType<typeof served>;
  let url: URL;
  before(async () => {
    parts = served();
    url = new URL(String((await parts.logged('http_listening')).url));
  });
  after(() => parts.stop());

  const open = async (path: string, { method = 'GET', headers = {}, body }: Asked = {}) => {
    const asked = httpRequest(new URL(path, url), { method, headers, agent: false });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  };
  const ask = async (path: string, asked: Asked = {}) => {
    const response = await open(path, asked);
    const text = (await response.toArray()).join('');
    return { status: response.statusCode, headers: response.headers, text };
  };

  test('is HTML with its own files, and lets nothing else be loaded', async () => {
    const { status, headers, text } = await ask('/');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /^default-src 'none'; /);
    assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
    assert.doesNotMatch(text, /https?:|style=|<style|onclick/);
    const files = [...text.matchAll(/(?:href|src)="([a-z.]+)"/g)].map(([, name]) => name ?? '');
    assert.ok(files.length > 3);
    for (const name of files) assert.equal((await ask(name)).status, 200, name);
  });

  test('has every file that its scripts import', async () => {
    const asked = new Set<string>();
    const follow = async (name: string): Promise<void> => {
      if (asked.has(name)) return;
      asked.add(name);
      const { status, headers, text } = await ask(name);
      assert.deepEqual([status, headers['content-type']], [200, 'text/javascript; charset=utf-8'], name);
      for (const [, next = ''] of text.matchAll(/from '\.\/([^']+)'/g)) await follow(next);
    };
    await follow('page.js');
    assert.ok(asked.size > 4);
  });

  test('tells as JSON what `yaim status --json` tells, and more', async () => {
    const { status, headers, text } = await ask('/status');
    assert.deepEqual([status, headers['content-type']], [200, 'application/json; charset=utf-8']);
    const document = JSON.parse(text);
    assert.deepEqual(
      document.addresses.map(({ address, holder }: { address: string; holder: string }) => [address, holder]),
      [
        ['10.0.0.7', 'db1'],
        ['10.0.0.8', 'db2'],
      ],
    );
    assert.equal(document.nodes[0].name, 'db1');
    assert.equal(document.self.ready, true);
  });

  test('tells each change as a server-sent event', async () => {
    const response = await open('/events');
    assert.match(String(response.headers['content-type']), /^text\/event-stream/);
    const events = heard(response);
    assert.equal((await events.next()).addresses[1]?.holder, 'db2');
    parts.view$.next(wellOn('db1'));
    assert.equal((await events.next()).addresses[1]?.holder, 'db1');
    parts.view$.next(well);
    assert.equal((await events.next()).addresses[1]?.holder, 'db2');
    response.destroy();
  });

  test('has metrics in Prometheus’s format', async () => {
    const { status, headers, text } = await ask('/metrics');
    assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
    assert.match(text, /^yaim_pool_addresses\{service="svc",node="db1"\} 2$/m);
  });

  test('is healthy while it answers, and ready while the node is', async () => {
    assert.deepEqual([(await ask('/healthz')).status, (await ask('/readyz')).status], [200, 200]);
    parts.view$.next({ ...well, health: { kind: 'sick', reason: 'no answer', since: null } });
    const { status, text } = await ask('/readyz');
    assert.deepEqual([status, text], [503, 'no answer\n']);
    assert.equal((await ask('/healthz')).status, 200);
    parts.view$.next({ ...well, session: { ...session, provenUntil: performance.now() } });
    assert.match((await ask('/readyz')).text, /could not be proven/);
    parts.view$.next(well);
  });

  test('only reads', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      for (const path of ['/', '/status', '/events']) {
        const { status, headers } = await ask(path, { method, body: method === 'POST' ? 'x' : '' });
        assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], `${method} ${path}`);
      }
    }
  });

  test('answers HEAD with the head alone', async () => {
    for (const path of ['/', '/status', '/metrics', '/healthz', '/events']) {
      const { status, text } = await ask(path, { method: 'HEAD' });
      assert.deepEqual([status, text], [200, ''], path);
    }
  });

  test('has nothing else, also not above its own files', async () => {
    for (const path of ['/nothing', '/page.html', '/..%2fweb.ts', '/words.js/'])
      assert.equal((await ask(path)).status, 404, path);
    const socket = connect(Number(url.port), url.hostname);
    socket.end('GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    assert.match((await socket.toArray()).join(''), /^HTTP\/1.1 404 /);
  });

  test('does not answer a browser that a strange name led to the loopback', async () => {
    for (const host of [
      'evil.example',
      'evil.example:8010',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
    ])
      assert.equal((await ask('/status', { headers: { host } })).status, 403, host);
    for (const host of ['localhost', 'LOCALHOST:8010', '127.0.0.1:9', '[::1]:8010', 'yaim.localhost'])
      assert.equal((await ask('/healthz', { headers: { host } })).status, 200, host);
  });

  test('lets no more than 16 listen at once', async () => {
    const listening = [];
    for (let count = 0; count < 16; count += 1) listening.push(await open('/events'));
    const { status, headers } = await ask('/events');
    assert.deepEqual([status, headers['retry-after']], [503, '5']);
    assert.equal((await ask('/status')).status, 200);
    for (const response of listening) response.destroy();
    for (let round = 0; ; round += 1) {
      const again = await open('/events');
      again.destroy();
      if (again.statusCode === 200) break;
      assert.ok(round < 1000, 'those who went make room');
    }
  });

  test('survives what is no HTTP', async () => {
    const socket = connect(Number(url.port), url.hostname);
    socket.end('\u0000\u0001 nonsense\r\n\r\n');
    await socket.toArray();
    assert.equal((await ask('/healthz')).status, 200);
  });
});

test('a port in use is a warning, not an end', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const parts = served({ port });
  const { level, error = '' } = await parts.logged('http_failed');
  assert.equal(level, 'warn');
  assert.match(error, /EADDRINUSE/);
  parts.stop();
  other.close();
});

test('the history is followed from the first look until a minute after the last, and not beyond the end', async (t) => {
  let followers = 0;
  const takeovers$ = new Observable<readonly Takeover[]>((subscriber) => {
    followers += 1;
    subscriber.next([]);
    return () => {
      followers -= 1;
    };
  });
  const { scheduler, pass } = virtualClock();
  const first = served({ takeovers$, scheduler });
  t.after(first.stop);
  const url = String((await first.logged('http_listening')).url);
  assert.equal(followers, 0);
  await (await fetch(new URL('/status', url))).json();
  await pass(50_000);
  assert.equal(followers, 1);
  await (await fetch(new URL('/status', url))).json();
  await pass(50_000);
  assert.equal(followers, 1);
  await pass(11_000);
  assert.equal(followers, 0);
  await (await fetch(new URL('/status', url))).json();
  assert.equal(followers, 1);
  first.stop();
  assert.equal(followers, 0);
});

test('who stops listens no more, and whoever looks is let go', async () => {
  const parts = served();
  const url = new URL(String((await parts.logged('http_listening')).url));
  const asked = httpRequest(new URL('/events', url), { agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await once(response, 'data');
  // Nor does anybody keep the process who does not finish a question.
  const slow = connect(Number(url.port), url.hostname);
  slow.write('GET /status HTTP/1.1\r\n');
  await (await fetch(new URL('/healthz', url))).text();
  const cut = once(slow, 'close');
  parts.stop();
  await assert.rejects(response.toArray(), { code: 'ECONNRESET' });
  await cut;
  const [error] = await once(connect(Number(url.port), url.hostname), 'error');
  assert.equal(error.code, 'ECONNREFUSED');
});

interface Heard {
  readonly addresses: readonly { readonly address: string; readonly holder: string | null }[];
}

/** The documents of a stream of server-sent events, one after the other. */
function heard(response: IncomingMessage) {
  const chunks = response[Symbol.asyncIterator]();
  let buffer = '';
  return {
    next: async (): Promise<Heard> => {
      for (;;) {
        const end = buffer.indexOf('\n\n');
        if (end < 0) {
          const { value, done } = await chunks.next();
          assert.ok(!done, 'the stream ended');
          buffer += String(value);
          continue;
        }
        const event = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (event.startsWith('data: ')) return JSON.parse(event.slice('data: '.length));
      }
    },
  };
}
