import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { metricsOf } from '../../src/web/metrics/metrics.ts';
import { aView } from '../support/a-view.ts';

const docs = join(import.meta.dirname, '../../docs');
const read = (name: string): string => readFileSync(join(docs, name), 'utf8');

/** Name → type, of every metric that the code has. */
let metrics: ReadonlyMap<string, string>;
before(async () => {
  const about = { service: 'svc', node: 'db1', version: '1.2.3' };
  const { text } = await metricsOf(about, { view: () => aView({}), now: () => 0 }).collect();
  metrics = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  );
});

/** The metrics that an expression asks for. */
function queried(expression: string): readonly string[] {
  return [...expression.matchAll(/\byaim_\w+/g)].map(([name]) => name);
}

function assertExists(name: string): void {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const isThere = metrics.has(name) || metrics.get(base) === 'histogram';
  assert.ok(isThere, `${name} is no metric of yaim`);
}

test('docs/metrics.md lists every metric with its type, and no other', () => {
  const documented = [...read('metrics.md').matchAll(/^\| `(yaim_\w+)` \| (\w+) \|/gm)];
  assert.ok(metrics.size > 20);
  assert.deepEqual(
    documented.map(([, name, type]) => `${name} ${type}`).toSorted(),
    [...metrics].map(([name, type]) => `${name} ${type}`).toSorted(),
  );
});

test('metrics are named as Prometheus wants it', () => {
  for (const [name, type] of metrics) {
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_(ms|milliseconds|minutes)\b/);
    if (type === 'histogram') assert.match(name, /_seconds$/);
  }
});

describe('docs/prometheus-alerts.yml', () => {
  test('is accepted by promtool', () => {
    const said = execFileSync('promtool', ['check', 'rules', join(docs, 'prometheus-alerts.yml')], {
      encoding: 'utf8',
    });
    assert.match(said, /SUCCESS: \d\d rules found/);
  });

  test('asks only for metrics that exist', () => {
    const expressions = [...read('prometheus-alerts.yml').matchAll(/^ +expr: (.*)$/gm)];
    assert.ok(expressions.length > 10);
    for (const name of expressions.flatMap(([, expression = '']) => queried(expression))) assertExists(name);
  });
});

describe('docs/grafana-dashboard.json', () => {
  interface Panel {
    readonly id: number;
    readonly title: string;
    readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
    readonly targets: readonly { readonly expr: string }[];
  }
  const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(read('grafana-dashboard.json'));

  test('asks only for metrics that exist, with expressions that Prometheus can read', (t) => {
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    for (const name of expressions.flatMap(queried)) assertExists(name);
    const rules = expressions.map((expression, index) => ({
      record: `panel:${index}`,
      expr: expression.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*'),
    }));
    // JSON is YAML.
    const directory = mkdtempSync(join(tmpdir(), 'yaim-dashboard-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'rules.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const said = execFileSync('promtool', ['check', 'rules', '--lint=none', file], { encoding: 'utf8' });
    assert.match(said, new RegExp(`SUCCESS: ${rules.length} rules found`));
  });

  test('shows every metric somewhere', () => {
    const shown = new Set(
      dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => queried(expr))),
    );
    for (const [name, type] of metrics) {
      const names = type === 'histogram' ? [`${name}_bucket`] : [name];
      assert.ok(
        names.some((one) => shown.has(one)),
        `${name} is on no panel`,
      );
    }
  });

  test('has its panels side by side, not one over the other', () => {
    const cells = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(!cells.has(`${x} ${y}`), `${title} covers another panel`);
          cells.add(`${x} ${y}`);
        }
    }
    const ids = dashboard.panels.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
  });
});
