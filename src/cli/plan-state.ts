import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { describeFileError } from '../config/text-file.ts';
import { type Address, parseAddress } from '../domain/address.ts';
import { issueText } from '../domain/issue-text.ts';
import type { PlanAddress, PlanNode } from '../domain/plan.ts';
import type { Report } from '../domain/report.ts';
import { parsePoolOptions } from '../domain/values.ts';
import { CommandError, EXIT } from './exit.ts';

/** What the planner plans from. */
export interface PlanState {
  readonly nodes: readonly PlanNode[];
  readonly addresses: readonly PlanAddress[];
}

const state = z.object({
  nodes: z
    .array(
      z.object({
        name: z.string().min(1),
        healthy: z.boolean().default(true),
        drained: z.boolean().default(false),
        weight: z.number().nonnegative().default(1),
        role: z.string().nullable().default(null),
        subnets: z.array(z.string()).default([]),
        refuses: z.record(z.string(), z.string()).default({}),
      }),
    )
    .default([]),
  addresses: z
    .array(
      z.object({
        address: z.string(),
        holder: z.string().nullable().default(null),
        options: z.record(z.string(), z.unknown()).default({}),
        blocked: z.string().optional(),
      }),
    )
    .default([]),
});

type State = z.output<typeof state>;

/**
 * The state in a file as `status --json` writes it; "-" is stdin.
 * @throws CommandError with status 1 for a file that cannot be read or understood
 */
export function readState(file: string): PlanState {
  const refuse = (reason: string): never => {
    throw new CommandError(EXIT.failed, `${file === '-' ? 'stdin' : file}: ${reason}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    return refuse(error instanceof SyntaxError ? `no JSON: ${error.message}` : describeFileError(error));
  }
  const parsed = state.safeParse(json);
  if (!parsed.success) {
    return refuse(parsed.error.issues.map(problemText).join('; '));
  }
  return toState(parsed.data, refuse);
}

/** The same from etcd: what `status --json` would have written. */
export function stateOf(report: Report): PlanState {
  return toState(state.parse(report), (reason) => {
    throw new Error(reason);
  });
}

function toState({ nodes, addresses }: State, refuse: (reason: string) => never): PlanState {
  const repeated = firstRepeated(nodes.map(({ name }) => name));
  if (repeated !== undefined) return refuse(`node ${repeated} is listed twice`);
  const read = (text: string, where: string): Address =>
    parseAddress(text) ?? refuse(`${where}: ${JSON.stringify(text)} is no IPv4 or IPv6 address`);
  const planned = addresses.map(({ address: text, holder, options: given, blocked }): PlanAddress => {
    const address = read(text, 'addresses');
    const options = parsePoolOptions(JSON.stringify(given), address);
    if ('problem' in options) return refuse(`options of ${address}: ${options.problem}`);
    return { address, holder, options, ...(blocked === undefined ? {} : { blocked }) };
  });
  const twice = firstRepeated(planned.map(({ address }) => address));
  if (twice !== undefined) return refuse(`address ${twice} is listed twice`);
  return {
    nodes: nodes.map(({ refuses, ...node }) => ({
      ...node,
      refuses: new Map(Object.entries(refuses).map(([text, reason]) => [read(text, node.name), reason])),
    })),
    addresses: planned,
  };
}

function firstRepeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

/** `$.nodes[0].name: must be a text`; of the whole it needs no path. */
function problemText(issue: z.core.$ZodIssue): string {
  const text = issueText(issue);
  return issue.path.length === 0 ? text : `${pathText(issue.path)}: ${text}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => text + (typeof part === 'number' ? `[${part}]` : `.${String(part)}`),
    '$',
  );
}
