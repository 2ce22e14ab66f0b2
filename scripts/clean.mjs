/** node scripts/clean.mjs NAME…: removes directories that were generated, named from the project's root. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const generated = ['dist', 'coverage'];

for (const name of process.argv.slice(2)) {
  if (!generated.includes(name)) {
    console.error(`clean: ${name} is not generated; what can be removed: ${generated.join(', ')}`);
    process.exit(64);
  }
  rmSync(join(root, name), { recursive: true, force: true });
}
