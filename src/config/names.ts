import { isAbsolute } from 'node:path';
import type { Reading } from './rules.ts';

/** What Linux allows in an interface name with its label: IFNAMSIZ less the final NUL. */
export const INTERFACE_NAME_LENGTH = 15;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** The literal prefix of every etcd key, without a trailing slash. */
export function readService(given: string): Reading<string> {
  const service = given.endsWith('/') ? given.slice(0, -1) : given;
  if (service === '') return { refused: 'must be an etcd key prefix such as /yaim/main, not the root' };
  if (isUntidy(service)) {
    return { refused: 'must have no control characters and no space at its ends' };
  }
  if (service.split('/').slice(1).includes('')) return { refused: 'must have no empty part ("//")' };
  return { value: service };
}

/** A node's name: the last part of its etcd key. */
export function readNodeName(given: string): Reading<string> {
  if (given === '' || given.includes('/') || isUntidy(given)) {
    return { refused: 'must be a name without "/", control characters or space at its ends, and not empty' };
  }
  return { value: given };
}

/** An interface name as the kernel takes it (dev_valid_name in net/core/dev.c). */
export function readInterface(given: string): Reading<string> {
  const isValid =
    Buffer.byteLength(given) <= INTERFACE_NAME_LENGTH &&
    !/[\s/:]/.test(given) &&
    !CONTROL.test(given) &&
    given !== '.' &&
    given !== '..';
  if (isValid) return { value: given };
  return {
    refused: `must be an interface name: at most ${INTERFACE_NAME_LENGTH} characters, no "/", ":" or space`,
  };
}

/** The label of an IPv4 address, after `<interface>:`. Two characters are left to the shortest interface. */
export function readLabel(given: string): Reading<string> {
  if (new RegExp(`^[A-Za-z0-9_.-]{1,${INTERFACE_NAME_LENGTH - 2}}$`).test(given)) return { value: given };
  return { refused: `must be 1 to ${INTERFACE_NAME_LENGTH - 2} of the characters A-Z a-z 0-9 _ . -` };
}

/** A path that does not depend on where the agent was started. */
export function readAbsolutePath(given: string): Reading<string> {
  if (isAbsolute(given) && !CONTROL.test(given)) return { value: given };
  return { refused: 'must be an absolute path' };
}

/** A path, which may be relative to the working directory. */
export function readPath(given: string): Reading<string> {
  return CONTROL.test(given) ? { refused: 'must be a path without control characters' } : { value: given };
}

/** A name of something outside of yaim: a user or a database. */
export function readName(given: string): Reading<string> {
  if (given !== '' && !CONTROL.test(given)) return { value: given };
  return { refused: 'must be a name without control characters, and not empty' };
}

/** A secret: everything but NUL, which neither etcd nor PostgreSQL take. */
export function readSecret(given: string): Reading<string> {
  return given.includes('\0') ? { refused: 'must not contain a NUL character' } : { value: given };
}

function isUntidy(given: string): boolean {
  return CONTROL.test(given) || given !== given.trim();
}
