import type { Lab } from '../../test/lab/support/lab.ts';
import type { Service } from '../../test/lab/support/service.ts';
import type { Chronicle } from './chronicle.ts';

/** As a service manager would; long enough to see what its end does. */
export const restartDelayMs = 15_000;

/** Starts every server again some time after its end, so that one can break things again and again. */
export function superviseAll(lab: Lab, chronicle: Chronicle): void {
  const servers = lab.hosts.flatMap(({ agent, pgbouncer, postgres }) => [agent, pgbouncer, postgres]);
  for (const server of [...servers, ...lab.etcd.members])
    if (server !== undefined) supervise(server, chronicle);
}

function supervise(server: Service, chronicle: Chronicle): void {
  void server.process.exited.then(({ code, signal }) => {
    const how = signal === null ? `with status ${code}` : `by ${signal}`;
    chronicle.note(`${server.name} ended ${how}; it is started again in ${restartDelayMs / 1000} s`);
    // Nobody killed it: its last words may tell why.
    if (signal === null && code !== 0)
      for (const line of server.process.lines.slice(-2)) chronicle.note(`  ${line}`);
    setTimeout(() => void restart(server, chronicle), restartDelayMs);
  });
}

async function restart(server: Service, chronicle: Chronicle): Promise<void> {
  try {
    await server.start();
    chronicle.note(`${server.name} runs again`);
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    chronicle.note(`${server.name} did not start: ${reason}`);
    server.kill();
  }
  supervise(server, chronicle);
}
