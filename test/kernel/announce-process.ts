import { packetSocket } from '../../src/kernel/packet-socket.ts';

// Announces an address on an interface of the network namespace that it was started in: address, interface.
const [text = '', interfaceName = ''] = process.argv.slice(2);
try {
  packetSocket().announce(text as never, interfaceName);
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error));
}
