import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addresses, type Lab, unhurried, withLab } from './support/lab.ts';

test('an agent starts no process: not at its start, not for a takeover, not at its end', async () => {
  await withLab(
    { hosts: 2, pool: addresses(4), postgres: false, startAgents: false, agent: unhurried },
    async (lab) => {
      const started = await countStarts(lab);
      await lab.untilCounts([2, 2]);
      const { agent, pgbouncer } = lab.host('db1');
      const from = agent.log.length;
      pgbouncer.kill();
      await lab.untilCounts([0, 4]);
      await pgbouncer.start();
      await agent.waitForEvent('advertised', { from });
      await lab.untilCounts([2, 2]);
      await agent.terminate();
      // Which shows that the others would be there, too.
      for (const index of [0, 1]) assert.deepEqual(await started(index), ['true']);
    },
  );
});

/** Starts the agents with a process that starts `true`, and notes each start; gives the way to read the notes of a host. */
async function countStarts(lab: Lab): Promise<(host: number) => Promise<string[]>> {
  const notes = (host: string) => join(lab.directory, `${host}.starts`);
  for (const { name, agent } of lab.hosts) {
    const noting = `
      import { appendFileSync } from 'node:fs';
      import { ChildProcess, spawn } from 'node:child_process';
      import * as all from 'node:child_process';
      import { syncBuiltinESMExports } from 'node:module';
      const note = (file) => appendFileSync(${JSON.stringify(notes(name))}, file + '\\n');
      const start = ChildProcess.prototype.spawn;
      ChildProcess.prototype.spawn = function (options) { note(options.file); return start.call(this, options); };
      for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
        const call = all.default[name];
        all.default[name] = (file, ...rest) => { note(file); return call(file, ...rest); };
      }
      syncBuiltinESMExports();
      spawn('true');`;
    const module = `data:text/javascript,${encodeURIComponent(noting)}`;
    await agent.startWith({}, { NODE_OPTIONS: `--import ${module}` });
  }
  return async (index) => (await readFile(notes(lab.hosts[index]?.name ?? ''), 'utf8')).trimEnd().split('\n');
}
