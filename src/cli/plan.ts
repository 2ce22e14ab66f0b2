import type { Config } from '../config/config.ts';
import { type Move, type Plan, plan as planFor } from '../domain/plan.ts';
import { reportOf } from '../domain/report.ts';
import { readAddress, readPoolAddress } from './address-argument.ts';
import { CommandError, EXIT } from './exit.ts';
import { readNode } from './node-argument.ts';
import { type PlanState, readState, stateOf } from './plan-state.ts';
import { bold, count, dim, grouped, printable, red, shortList, table } from './text.ts';
import { readCluster, withEtcd } from './with-etcd.ts';

/** What if: the lists are applied to the present state, in this order. */
export interface PlanOptions {
  readonly without: readonly string[];
  readonly with: readonly string[];
  readonly remove: readonly string[];
  readonly add: readonly string[];
  readonly json?: boolean;
  /** A file to plan from, without configuration and without etcd. */
  readonly state?: string;
}

/** What the agents would do, from the function that they run themselves. */
export async function plan(load: () => Promise<Config>, options: PlanOptions): Promise<void> {
  checkNames(options);
  const changed = supposing(
    options.state === undefined ? await present(await load()) : readState(options.state),
    options,
  );
  const planned = planFor(changed.nodes, changed.addresses);
  process.stdout.write(options.json === true ? planJson(planned) : planText(planned, changed));
}

/** What cannot be is wrong usage, whatever the present state is. */
function checkNames(options: PlanOptions): void {
  for (const name of options.without) readNode(name, '--without');
  for (const name of options.with) readNode(name, '--with');
  for (const text of options.remove) readAddress(text);
  for (const text of options.add) readPoolAddress(text);
}

async function present(config: Config): Promise<PlanState> {
  return withEtcd(config, async (session) => stateOf(reportOf(config.service, await readCluster(session))));
}

function supposing(state: PlanState, options: PlanOptions): PlanState {
  let { nodes, addresses } = state;
  for (const name of options.without) {
    if (!nodes.some((node) => node.name === name))
      throw unknown(
        `node ${name}`,
        nodes.map((node) => node.name),
      );
    nodes = nodes.filter((node) => node.name !== name);
  }
  for (const name of options.with) {
    const known = state.nodes.find((node) => node.name === name);
    const traits = known ?? { name, weight: 1, role: null, subnets: [], refuses: new Map() };
    nodes = [...nodes.filter((node) => node.name !== name), { ...traits, healthy: true, drained: false }];
  }
  for (const text of options.remove) {
    const address = readAddress(text);
    if (!addresses.some((entry) => entry.address === address)) throw unknown(`address ${address}`, []);
    addresses = addresses.filter((entry) => entry.address !== address);
  }
  for (const text of options.add) {
    const address = readPoolAddress(text);
    if (addresses.some((entry) => entry.address === address)) continue;
    addresses = [...addresses, { address, holder: null, options: {} }];
  }
  return { nodes, addresses };
}

function unknown(what: string, known: readonly string[]): CommandError {
  const others = known.length === 0 ? '' : `; there are ${shortList(known)}`;
  return new CommandError(EXIT.failed, `there is no ${what} in the present state${others}`);
}

function planJson({ moves, result, unheld, spread }: Plan): string {
  const listed = moves.map(({ address, from, to, reason }) => ({ address, from, to, reason }));
  const answer = { moves: listed, result: Object.fromEntries(result), unheld, spread };
  return `${JSON.stringify(answer, undefined, 2)}\n`;
}

/** That it is the fewest possible: what every plan has to do, and what evenness costs. */
function whyThese(moves: readonly Move[]): string {
  const number = (...kinds: readonly Move['kind'][]): number =>
    moves.filter(({ kind }) => kinds.includes(kind)).length;
  const parts = [
    [number('claim', 'evacuate'), 'that nobody has or whose holder must not keep it'],
    [number('asked'), 'that an operator asked for'],
    [number('balance'), 'that must move for even loads'],
  ] as const;
  const reasons = parts
    .filter(([moved]) => moved > 0)
    .map(([moved, reason]) => `${count(moved, 'address', 'addresses')} ${reason}`);
  return dim(
    `Fewer moves are not possible: there ${moves.length === 1 ? 'is' : 'are'} ${reasons.join(' and ')}.`,
  );
}

function planText({ moves, result, unheld, spread }: Plan, { nodes, addresses }: PlanState): string {
  const moveTable = table(
    ['ADDRESS', 'FROM', 'TO', 'WHY'],
    moves.map(({ address, from, to, reason }) => [
      address,
      printable(from ?? '-'),
      to === null ? red('nobody') : printable(to),
      printable(reason),
    ]),
  );
  const resultTable = table(
    ['NODE', 'ADDRESSES'],
    [...result].map(([name, held]) => [
      printable(name),
      held.length === 0 ? '0' : `${held.length}: ${shortList(held)}`,
    ]),
  );
  const nobody = grouped(unheld.map(({ address, reason }) => [address, reason])).map(
    ([listed, reason]) => `${red('UNHELD')}  ${listed}: ${printable(reason)}`,
  );
  const subject = `${count(addresses.length, 'address', 'addresses')} on ${count(nodes.length, 'node')}`;
  const parts = [
    moves.length === 0
      ? bold(`Nothing to do for ${subject}.`)
      : `${bold(`${moves.length} of ${subject} would change hands:`)}\n${moveTable}\n${whyThese(moves)}`,
    nobody.join('\n'),
    nodes.length === 0
      ? ''
      : `${bold(`${moves.length === 0 ? 'Now' : 'Then'} (spread ${spread}):`)}\n${resultTable}`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
