import { type IncomingMessage, request as requestInClear } from 'node:http';
import { request as requestByTls } from 'node:https';
import * as z from 'zod';
import type { Config } from '../config/config.ts';
import { readEtcdFiles } from './etcd.ts';
import { CommandError, EXIT } from './exit.ts';
import type { V2Source } from './v2-source.ts';

/** A key or a directory of etcd's v2 API, with everything below it. */
export interface V2Node {
  /** The whole path, with a slash before it and none behind it. */
  readonly key: string;
  readonly dir?: boolean | undefined;
  readonly value?: string | undefined;
  readonly nodes?: readonly V2Node[] | undefined;
}

const v2Node: z.ZodType<V2Node> = z.object({
  key: z.string(),
  dir: z.boolean().optional(),
  value: z.string().optional(),
  get nodes() {
    return z.array(v2Node).optional();
  },
});
const found = z.object({ node: v2Node });
const refused = z.object({ errorCode: z.number().optional(), message: z.string() });

/** How long etcd may take for the whole answer, ms. */
const ANSWER_MS = 5000;
/** Far more than any pool; a server that is no etcd must not fill the memory. */
const MOST_BYTES = 32 * 1024 * 1024;
const KEY_NOT_FOUND = 100;

/**
 * Everything below a directory, agreed on by etcd's quorum; undefined where there is no such directory. Over TLS the
 * configuration's files count, which is why this is not fetch(): that takes neither an authority nor a certificate.
 * @throws CommandError with status 69 when etcd does not answer, or refuses
 */
export async function readV2Tree(
  source: V2Source,
  directory: string,
  { etcd }: Config,
): Promise<V2Node | undefined> {
  const path = directory.split('/').map(encodeURIComponent).join('/');
  const fail = (why: string, cause?: unknown): never => {
    throw new CommandError(EXIT.unreachable, `etcd's v2 API at ${source.origin}: ${why}`, { cause });
  };
  const url = `${source.origin}/v2/keys${path}?recursive=true&sorted=true&quorum=true`;
  const { status, body } = await answer(url, source, etcd).catch((error: Error) =>
    fail(whyFailed(error), error),
  );
  const content = parseJson(body);
  const tree = found.safeParse(content);
  if (status === 200 && tree.success) return tree.data.node;
  const reason = refused.safeParse(content);
  if (reason.success && reason.data.errorCode === KEY_NOT_FOUND) return undefined;
  // What is no JSON comes from etcd's router, or from no etcd at all.
  if (status === 404 && !reason.success) {
    return fail('there is none; start that etcd, 3.5 or older, with --enable-v2 for as long as this takes');
  }
  if (status === 401)
    return fail(`refuses ${source.credentials === null ? 'readers without a user' : 'this user'}`);
  return fail(
    reason.success ? reason.data.message : `answered with status ${status}, but not as an etcd does`,
  );
}

async function answer(
  url: string,
  { credentials }: V2Source,
  etcd: Config['etcd'],
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const options = { signal, ...(credentials === null ? {} : { auth: credentials }) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = url.startsWith('https:')
      ? requestByTls(url, { ...options, ...tlsOptions(etcd) }, resolve)
      : requestInClear(url, options, resolve);
    sent.once('error', reject).end();
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error(`answered with more than ${MOST_BYTES} bytes`);
  }
  return { status: response.statusCode, body: Buffer.concat(chunks).toString('utf8') };
}

function tlsOptions(etcd: Config['etcd']) {
  const { ca, certificate, key } = readEtcdFiles(etcd);
  return { ...(ca && { ca }), ...(certificate && { cert: certificate }), ...(key && { key }) };
}

function whyFailed(error: Error & { readonly code?: string }): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return `did not answer within ${ANSWER_MS} ms`;
  }
  if (error.code === 'ECONNREFUSED') return 'connection refused';
  return error.message || String(error.code ?? error.name);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
