import { addresses, createLab, type Lab } from '../../test/lab/support/lab.ts';
import { createChronicle } from './chronicle.ts';
import { createScreen, type Screen } from './screen.ts';
import { superviseAll } from './supervise.ts';
import { render, renderHints } from './view.ts';

const redrawMs = 100;
/** What setTimeout takes. */
const longestTimerMs = 2 ** 31 - 1;

/** The live view, until a signal ends it. Gives the exit status. */
export async function runLive(): Promise<number> {
  const screen = createScreen(process.stdout);
  // Leaving by exit() takes the lab down too, wherever it is: it does so on the process's exit.
  const leave = () => {
    screen.close();
    process.exit(0);
  };
  // Heard to the end: npm passes a Ctrl-C on that came already, and a terminal may close meanwhile.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  // Nobody looks any more.
  process.stdout.once('error', leave);
  screen.show(['Bringing up an etcd and three hosts with PostgreSQL, pgbouncer and yaim …']);
  try {
    const lab = await createLab({ pool: addresses(9), signals: 'caller', startAgents: false });
    await lab.startAgents();
    await follow(lab, screen);
    return 0;
  } catch (error) {
    screen.close();
    console.error(`The demo failed: ${(error as Error).message}`);
    process.exit(1);
  }
}

/** Redraws when something happened, until the process ends; rejects when the judge can no longer see. */
async function follow(lab: Lab, screen: Screen): Promise<void> {
  let keys = await lab.etcd.getPrefix(lab.service);
  const redraw = atMostEvery(redrawMs, () =>
    screen.show(render(lab, keys, chronicle.lines()), renderHints(lab)),
  );
  const chronicle = createChronicle(lab, redraw);
  const reread = atMostEvery(redrawMs, async () => {
    // While etcd does not answer, the last that it said is shown.
    keys = await lab.etcd.getPrefix(lab.service).catch(() => keys);
    redraw();
  });
  lab.etcd.watch(lab.service, reread);
  superviseAll(lab, chronicle);
  redraw();
  await lab.judge.until(() => false, { timeoutMs: longestTimerMs, what: 'the end' });
}

/** Puts calls off and together: the last one is always followed. */
function atMostEvery(delayMs: number, work: () => void | Promise<void>): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      void work();
    }, delayMs);
  };
}
