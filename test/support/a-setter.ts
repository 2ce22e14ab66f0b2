import assert from 'node:assert/strict';
import type { AddressChange, AddressSetter } from '../../src/kernel/address-setter.ts';

/** A change in a line, as "add 10.0.0.7/32@eth0 eth0:yaim 8 s". */
export function changeText(change: AddressChange): string {
  const { kind, address, prefixLength, interface: name } = change;
  const where = `${kind} ${address}/${prefixLength}@${name}`;
  if (change.kind === 'remove') return where;
  return [where, change.label, `${change.lifetimeSeconds} s`].filter((word) => word !== undefined).join(' ');
}

/**
 * One that does nothing, and answers each change with the code of an error, or undefined. `busy` is called before it asks
 * for the changes.
 */
export function aSetter(
  heard: (changes: readonly string[]) => void,
  answer: (change: string) => string | undefined,
  busy: () => void = () => {},
): Pick<AddressSetter, 'change'> {
  return {
    change: async (interfaces, changes) => {
      await Promise.resolve();
      busy();
      const asked = changes();
      assert.ok(asked.every((change) => interfaces.has(change.interface)));
      const texts = asked.map(changeText);
      if (texts.length > 0) heard(texts);
      return texts.map(answer).map((code) => (code ? { code, message: `it says ${code}` } : undefined));
    },
  };
}
