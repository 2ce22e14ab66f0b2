import * as z from 'zod';
import { type Address, familyOf, parseAddress } from './address.ts';
import type { NodeSession, Presence } from './cluster.ts';
import { issueText } from './issue-text.ts';
import type { PoolOptions } from './pool.ts';

/** The values of yaim's etcd keys: every format beside its parser. Parsers never throw. */

const poolOptions = z.strictObject({
  interface: z.string().min(1).max(15).optional(),
  netmask: z.int().min(1).max(128).optional(),
  node: z.string().min(1).optional(),
  prefer: z.string().min(1).optional(),
  role: z.string().min(1).optional(),
});

/** Reads an operator's options: empty text means none. */
export function parsePoolOptions(text: string, address: Address): PoolOptions | { readonly problem: string } {
  if (text.trim() === '') return {};
  const json = parseJson(text);
  const parsed = poolOptions.safeParse(json);
  if (!parsed.success) {
    return { problem: json === undefined ? 'the value is no JSON' : describe(parsed.error) };
  }
  if (familyOf(address) === 4 && (parsed.data.netmask ?? 32) > 32) {
    return { problem: 'netmask: an IPv4 prefix length is at most 32' };
  }
  return withoutUndefined(parsed.data);
}

export function formatPoolOptions(options: PoolOptions): string {
  return Object.keys(options).length === 0 ? '' : JSON.stringify(options);
}

// A presence or a session that cannot be read is still one: whoever wrote it is there. So every field has a default.
const presence = z.object({
  instance: z.string().catch(''),
  weight: z.number().nonnegative().catch(1),
  role: z.string().nullable().catch(null),
  subnets: z.array(z.string()).catch([]),
  refuses: z.record(z.string(), z.string()).catch({}),
});

type PresenceContent = Omit<Presence, 'name' | 'leaseId' | 'text'>;

export function parsePresence(text: string): PresenceContent {
  const content = presence.parse(asRecord(parseJson(text)));
  const refuses = new Map<Address, string>();
  for (const [key, reason] of Object.entries(content.refuses)) {
    const address = parseAddress(key);
    if (address !== undefined) refuses.set(address, reason);
  }
  return { ...content, refuses };
}

export function formatPresence(content: PresenceContent): string {
  const { instance, weight, role, subnets, refuses } = content;
  return JSON.stringify({ instance, weight, role, subnets, refuses: Object.fromEntries(refuses) });
}

const session = z.object({
  instance: z.string().catch(''),
  health: z.string().catch('unknown'),
  healthSince: z.string().nullable().catch(null),
  occupied: z.array(z.string()).catch([]),
  away: z.literal(true).optional().catch(undefined),
});

type SessionContent = Omit<NodeSession, 'name' | 'leaseId' | 'text'>;

export function parseSession(text: string): SessionContent {
  const { away, ...content } = session.parse(asRecord(parseJson(text)));
  const occupied = content.occupied.map(parseAddress).filter((address) => address !== undefined);
  return { ...content, occupied, ...(away && { away }) };
}

export function formatSession(content: SessionContent): string {
  const { instance, health, healthSince, occupied, away } = content;
  return JSON.stringify({ instance, health, healthSince, occupied, away });
}

const guard = z.object({ node: z.string().catch(''), since: z.string().catch('') });

export function parseGuard(text: string): { readonly node: string; readonly since: string } {
  return guard.parse(asRecord(parseJson(text)));
}

export function formatGuard(content: { readonly node: string; readonly since: string }): string {
  return JSON.stringify(content);
}

const wish = z.object({ to: z.string().min(1) });

/** Where an operator wants an address, once. */
export function parseWish(text: string): { readonly to: string } | { readonly problem: string } {
  const json = parseJson(text);
  const parsed = wish.safeParse(json);
  if (parsed.success) return parsed.data;
  return { problem: json === undefined ? 'the value is no JSON' : describe(parsed.error) };
}

export function formatWish(content: { readonly to: string }): string {
  return JSON.stringify(content);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function describe(error: z.ZodError): string {
  return error.issues
    .map(
      (issue) => `${issue.path.length === 0 ? 'the value' : `${issue.path.join('.')}:`} ${issueText(issue)}`,
    )
    .join('; ');
}

function withoutUndefined(options: z.output<typeof poolOptions>): PoolOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
