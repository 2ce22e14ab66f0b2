import type { Address } from '../domain/address.ts';
import type { Verdict } from '../domain/wish.ts';
import { shortList } from './text.ts';

/** Why an address is not moved by wish, and what can be done instead; undefined where it is. */
export function refusalOf(verdict: Verdict, address: Address, to: string): string | undefined {
  if (verdict.kind === 'granted') return undefined;
  if (verdict.kind === 'impossible') return `${address} cannot move to ${to}: ${verdict.reason}`;
  const { moves, swap } = verdict;
  const back = moves.find((move) => move.address === address);
  const others = moves
    .filter((move) => move !== back)
    .map((move) => `${move.address} to ${move.to ?? 'nobody'}`);
  const consequence =
    back === undefined
      ? `take ${shortList(others)} in return`
      : `take it on to ${back.to ?? 'nobody'} (${back.reason})`;
  const command = `yaim ip move ${address} ${to}`;
  const waysOut = [
    ...(swap === null ? [] : [`exchange it: ${command} --swap ${swap}`]),
    `tie it to ${to} for good: ${command} --pin`,
  ];
  return `with ${address} on ${to} the loads would be uneven, and the balance would ${consequence}. You can ${waysOut.join(', or ')}`;
}
