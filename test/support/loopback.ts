/**
 * An address of the loopback network that is this process's own. Servers on it find the ports free that were free when
 * they were chosen: other processes, whose servers start at the same time, choose on theirs.
 */
export const loopback = [127, 64 + (process.pid >>> 16), (process.pid >>> 8) & 255, process.pid & 255].join(
  '.',
);
