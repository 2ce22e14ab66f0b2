import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

suite('the tarball of npm pack', () => {
  const directory = mkdtempSync(join(tmpdir(), 'yaim-pack-'));
  const modules = join(directory, 'node_modules');
  let files: readonly string[] = [];
  after(() => rmSync(directory, { recursive: true }));

  before(() => {
    // What is built already is packed: the tests run on it, too. It lacks the types only.
    npm(root, 'run', '--silent', 'types');
    const [packed] = JSON.parse(
      npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', directory),
    );
    files = packed.files.map(({ path }: { readonly path: string }) => path);
    const options = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'];
    npm(directory, 'install', ...options, join(directory, packed.filename));
  });

  function npm(cwd: string, ...words: readonly string[]): string {
    return execFileSync('npm', words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** The installed command, as a shell would find it. */
  function yaim(...words: readonly string[]): string {
    const env = { PATH: `${join(modules, '.bin')}:${process.env['PATH']}` };
    return execFileSync('yaim', words, { env, encoding: 'utf8', cwd: directory });
  }

  test('has the program, its types, the manual and the documents, and no tests or sources', () => {
    for (const path of [
      'dist/main.js',
      'dist/domain/plan.d.ts',
      'dist/web/page/page.html',
      'man/yaim.1',
      'yaim.yml',
      'yaim.schema.json',
      'docs/configuration.md',
      'packaging/yaim.service',
      'README.md',
      'LICENSE',
    ])
      assert.ok(files.includes(path), path);
    assert.deepEqual(
      files.filter((path) => /^(src|test|scripts|\.)|\.test\.|(?<!\.d)\.ts$/.test(path)),
      [],
    );
  });

  test('installed without install scripts has a command that works', () => {
    assert.equal(yaim('--version').trim(), version);
    assert.match(yaim('--help'), /Usage: yaim/);
    const state = join(directory, 'state.json');
    writeFileSync(state, JSON.stringify({ nodes: [{ name: 'db1' }], addresses: [{ address: '10.0.0.7' }] }));
    assert.deepEqual(JSON.parse(yaim('plan', '--state', state, '--json')).result, { db1: ['10.0.0.7'] });
  });

  test('installed without install scripts can announce: the library for raw frames is there', () => {
    const program = `require('module').createRequire('${join(modules, 'yaim/dist/main.js')}')('koffi').load('libc.so.6')`;
    execFileSync(process.execPath, ['--eval', program], { encoding: 'utf8' });
  });

  test('has types that a program can be compiled against', () => {
    writeFileSync(
      join(directory, 'consumer.ts'),
      "import { plan } from 'yaim/plan';\nconst { moves } = plan([], []);\nexport const first: string | undefined = moves[0]?.reason;\n",
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
    execFileSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'consumer.ts'],
      {
        cwd: directory,
        encoding: 'utf8',
      },
    );
  });
});
