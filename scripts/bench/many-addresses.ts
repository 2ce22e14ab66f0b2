import type { Lab } from '../../test/lab/support/lab.ts';

/** In a network of their own, since the lab's has no room for a thousand. */
export function manyAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.78.${index >> 7}.${1 + (index & 127)}`);
}

/** Makes that network known to every host and to the client, as a connected one. */
export async function routeManyAddresses(lab: Lab): Promise<void> {
  const names = [...lab.hosts, lab.client].map(({ name }) => name);
  await Promise.all(names.map((name) => lab.ip(name, 'route', 'add', '10.78.0.0/16', 'dev', 'eth0')));
}
