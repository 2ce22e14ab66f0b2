import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

test('docs/logs.md explains every event that the code can log, and no other', () => {
  const type =
    /export type LogEvent =([^;]*);/.exec(readFileSync(join(root, 'src/log.ts'), 'utf8'))?.[1] ?? '';
  const declared = [...type.matchAll(/'(\w+)'/g)].map(([, event]) => event);
  const documented = [...readFileSync(join(root, 'docs/logs.md'), 'utf8').matchAll(/^\| `(\w+)` \|/gm)].map(
    ([, event]) => event,
  );
  assert.ok(declared.length > 20);
  assert.deepEqual(documented.toSorted(), declared.toSorted());
});

test('every event is logged somewhere', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'log.ts')
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
    .join('\n');
  const type =
    /export type LogEvent =([^;]*);/.exec(readFileSync(join(root, 'src/log.ts'), 'utf8'))?.[1] ?? '';
  for (const [, event] of type.matchAll(/'(\w+)'/g))
    assert.ok(sources.includes(`'${event}'`), `${event} is never logged`);
});
