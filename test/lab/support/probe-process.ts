/*
 * Runs in the client's namespace: node probe-process.ts PERIOD_MS ADDRESS…
 * Knocks at each address again and again and prints a JSON line for each answer, and for each knock that has none.
 * A closed port answers too, with RST, so that the hosts need no server on their pool addresses.
 */
import { connect } from 'node:net';

/** discard: nothing listens there. */
const port = 9;
/** Less than the second after which TCP would repeat an unanswered SYN by itself. */
const patienceMs = 500;

const [period = '20', ...addresses] = process.argv.slice(2);

// The clock that `ip -ts` reads, with the microseconds that Date.now() lacks.
const offset = Date.now() - performance.now();
const now = () => offset + performance.now();

for (const address of addresses) setInterval(() => knock(address), Number(period));

function knock(address: string): void {
  const knockedMs = now();
  const tell = (isAnswered: boolean): void => {
    process.stdout.write(`${JSON.stringify({ address, isAnswered, knockedMs, atMs: now() })}\n`);
  };
  const socket = connect({ host: address, port });
  socket.setTimeout(patienceMs, () => {
    tell(false);
    socket.destroy();
  });
  socket.once('connect', () => {
    tell(true);
    socket.destroy();
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') tell(true);
  });
}
