import assert from 'node:assert/strict';
import { type Address, parseAddress } from '../../src/domain/address.ts';
import { type Plan, type PlanAddress, type PlanNode, plan } from '../../src/domain/plan.ts';

/** A node of which only what matters is said. */
export function aNode(fields: Partial<PlanNode> & { name: string }): PlanNode {
  return {
    healthy: true,
    drained: false,
    weight: 1,
    role: null,
    subnets: [],
    refuses: new Map(),
    ...fields,
  };
}

/** An address of which only what matters is said. */
export function anAddress(address: string, fields: Partial<PlanAddress> = {}): PlanAddress {
  return { address: toAddress(address), holder: null, options: {}, ...fields };
}

export function toAddress(text: string): Address {
  const address = parseAddress(text);
  assert(address !== undefined, `${text} is no address`);
  return address;
}

/**
 * Plans a story told in two tables and compares. Nodes, a line each: `db1 | sick, weight=2, refuses 10.0.0.1: reason`.
 * Addresses, a line each: `address | holder | options | planned holder | kind: reason`, the last for those that move
 * or that nobody can hold; `-` is nobody. Options read `prefer=db1, role=primary` or `blocked: reason`.
 */
export function checkPlan(nodeTable: string, addressTable: string): Plan {
  const rows = rowsOf(addressTable);
  const pool = rows.map(([address = '', holder = '-', wishes = '']) => readAddress(address, holder, wishes));
  const answer = plan(rowsOf(nodeTable).map(readNode), pool);
  const actual = rows.map(([address = '', holder = '', wishes = '']) => {
    const planned = [...answer.result].find(([, held]) => held.includes(toAddress(address)))?.[0] ?? '-';
    const move = answer.moves.find((candidate) => candidate.address === address);
    const unheld = answer.unheld.find((candidate) => candidate.address === address);
    const why = move === undefined ? (unheld?.reason ?? '') : `${move.kind}: ${move.reason}`;
    return [address, holder, wishes, planned, why].join(' | ');
  });
  assert.equal(actual.join('\n'), rows.map((row) => [...row, '', ''].slice(0, 5).join(' | ')).join('\n'));
  return answer;
}

function rowsOf(table: string): string[][] {
  const lines = table.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => line.split('|').map((cell) => cell.trim()));
}

function readNode([name = '', traits = '']: string[]): PlanNode {
  const refuses = new Map<Address, string>();
  let node = aNode({ name, refuses });
  for (const trait of traits.split(', ').filter(Boolean)) {
    const [key = '', value = ''] = trait.split(/=|: /);
    if (trait === 'sick') node = { ...node, healthy: false };
    else if (trait === 'drained') node = { ...node, drained: true };
    else if (key === 'weight') node = { ...node, weight: Number(value) };
    else if (key === 'role') node = { ...node, role: value };
    else if (key === 'subnet') node = { ...node, subnets: [...node.subnets, value] };
    else if (key.startsWith('refuses ')) refuses.set(toAddress(key.slice('refuses '.length)), value);
    else assert.fail(`unknown trait ${trait}`);
  }
  return node;
}

function readAddress(address: string, holder: string, wishes: string): PlanAddress {
  const entry = anAddress(address, { holder: holder === '-' ? null : holder });
  if (wishes.startsWith('blocked: ')) return { ...entry, blocked: wishes.slice('blocked: '.length) };
  const options = wishes.split(', ').filter(Boolean);
  return { ...entry, options: Object.fromEntries(options.map((option) => option.split('='))) };
}
