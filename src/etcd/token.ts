import type { Etcd3 } from 'etcd3';
import { TOKEN_IS_OVER } from './endpoint.ts';

/** The auth token of one client, good for every member; without a user there is none. */
export interface Token {
  readonly value: () => string | undefined;
  /** Runs a call with a token, and once more with a new one if etcd refused it for the old one's sake. */
  readonly used: <T>(etcd: Etcd3, run: () => Promise<T>) => Promise<T>;
  /** Goes on with other credentials, once etcd has accepted them; those of before stay where it does not. */
  readonly replace: (etcd: Etcd3, credentials: Credentials) => Promise<void>;
}

export interface Credentials {
  readonly user?: string;
  readonly password?: string;
}

/** How long a refused user or password counts as refused: a hash costs etcd 70 ms of a core, however often we try. */
const REFUSAL_MS = 1000;

export function tokenOf(initial: Credentials): Token {
  let { user, password = '' } = initial;
  let value: string | undefined;
  let asked: Promise<unknown> | undefined;
  let refusal: { readonly error: unknown; readonly until: number } | undefined;

  /** One request, however many calls wait for it: each costs etcd a hash and a round of consensus. */
  async function ask(etcd: Etcd3, name: string): Promise<void> {
    if (refusal !== undefined && performance.now() < refusal.until) throw refusal.error;
    asked ??= etcd.auth
      .authenticate({ name, password })
      .then(({ token }) => {
        value = token;
      })
      .catch((error: unknown) => {
        if (isRefused(error)) refusal = { error, until: performance.now() + REFUSAL_MS };
        throw error;
      })
      .finally(() => {
        asked = undefined;
      });
    await asked;
  }

  return {
    value: () => value,
    used: async (etcd, run) => {
      if (user === undefined) return run();
      if (value === undefined) await ask(etcd, user);
      const taken = value;
      try {
        return await run();
      } catch (error) {
        // Refused before anything was done, so that a write may be repeated too.
        if (!isTokenOver(error)) throw error;
        if (taken === value) await ask(etcd, user);
        return run();
      }
    },
    replace: async (etcd, credentials) => {
      const { user: name, password: secret = '' } = credentials;
      const accepted =
        name === undefined ? undefined : (await etcd.auth.authenticate({ name, password: secret })).token;
      [user, password, value, refusal] = [name, secret, accepted, undefined];
    },
  };
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && error.message.includes('authentication failed');
}

/** The second is said when users or roles changed since the token was given out. */
function isTokenOver(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.message.includes(TOKEN_IS_OVER) || /revision .* is old/.test(error.message))
  );
}
