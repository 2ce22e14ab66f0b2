/*
 * Runs in the client's namespace: node probe-process.ts PERIOD_MS ADDRESS…
 * Knocks at each address again and again and prints a JSON line for each answer.
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
  const socket = connect({ host: address, port });
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.once('connect', () => {
    answered(address);
    socket.destroy();
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') answered(address);
  });
}

function answered(address: string): void {
  process.stdout.write(`${JSON.stringify({ address, atMs: now() })}\n`);
}
