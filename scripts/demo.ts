/** npm start: three database hosts on this machine share nine addresses. See `npm start -- --help`. */
import { parseArgs } from 'node:util';
import { missingRequirements } from './demo/requirements.ts';

const help = `npm start [-- OPTION]

Three database hosts, db1 to db3, each with PostgreSQL, pgbouncer and yaim, and an etcd, as network
namespaces of this machine. They share the addresses 10.77.0.101 to 10.77.0.109; you see who holds which.
Everything is taken down at the end, and nothing of it is visible outside the namespaces.

  (none)    a live view, and what to try from another terminal, until Ctrl-C
  --once    brings it up, breaks one database, shows what moved and how fast; exit status 0 if all went well
  --help    this text

Needs Linux, root, and Debian packages that npm start installs.`;

const options = readOptions();
if (options.help) {
  console.log(help);
  process.exit(0);
}
const missing = missingRequirements();
if (missing.length > 0) {
  console.error(['The demo cannot run here:', ...missing.map((reason) => `  - ${reason}`)].join('\n'));
  process.exit(1);
}
// Only now: the lab's modules need the installed packages.
const { runOnce } = await import('./demo/once.ts');
const { runLive } = await import('./demo/live.ts');
process.exitCode = await (options.once ? runOnce() : runLive());

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    return values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    process.exit(64);
  }
}
