import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * node scripts/build.ts: the program as it ships, in dist. With its libraries it is some fifty files instead of seven hundred,
 * of which a command reads those that it needs: it runs in half the time (docs/decisions.md).
 */

const root = join(import.meta.dirname, '..');
const src = join(root, 'src');
const dist = join(root, 'dist');

/** What CommonJS modules find in each file, and ES modules do not. */
const COMMON_JS = `
import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);
const __dirname = import.meta.dirname;`;

await build({
  entryPoints: ['main.ts', 'healthcheck.ts', 'domain/plan.ts'].map((path) => join(src, path)),
  outbase: src,
  outdir: dist,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // A quarter less to read at each start; names stay, for the stacks of errors.
  minifyWhitespace: true,
  minifySyntax: true,
  banner: { js: COMMON_JS.trim() },
  // For Node it offers CommonJS, of which nothing can be left out.
  alias: { rxjs: join(root, 'node_modules/rxjs/dist/esm/index.js') },
  // It looks for the binary of this processor next to itself.
  external: ['koffi'],
  logLevel: 'warning',
});
cpSync(join(src, 'web/page'), join(dist, 'web/page'), {
  recursive: true,
  filter: (path) => !path.endsWith('.json') && !path.endsWith('.ts'),
});
// etcd3 reads them beside the directory of its own code, which is dist/chunks now.
cpSync(join(root, 'node_modules/etcd3/proto'), join(dist, 'proto'), { recursive: true });
