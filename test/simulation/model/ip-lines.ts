import { parseAddress } from '../../../src/domain/address.ts';
import type { KernelPlace } from '../../../src/domain/kernel.ts';

/** One line of `ip -batch`, read. */
export interface IpLine extends KernelPlace {
  readonly verb: 'add' | 'change' | 'delete';
  readonly label: string | null;
  /** Seconds; Infinity for a permanent address. */
  readonly lifetime: number;
}

const LINE = /^address (add|change|replace|delete) (\S+)\/(\d+) dev (\S+)(.*)$/;

/** Reads what effects/address.ts writes; anything else is a mistake of the simulation or of yaim. */
export function parseIpLine(line: string): IpLine {
  const [, verb, text = '', prefix, name = '', rest = ''] = LINE.exec(line) ?? [];
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`not a line for ip: ${line}`);
  return {
    verb: verb === 'replace' ? 'change' : (verb as IpLine['verb']),
    address,
    prefixLength: Number(prefix),
    interface: name,
    label: /\blabel (\S+)/.exec(rest)?.[1] ?? null,
    lifetime: Number(/\bvalid_lft (\d+)/.exec(rest)?.[1] ?? Infinity),
  };
}
