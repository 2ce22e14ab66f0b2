import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { GivenKeys } from './given.ts';
import { INTERFACE_NAME_LENGTH } from './names.ts';
import type { Problem } from './problem.ts';
import { isSecret, KEYS, type Key, type Values } from './schema.ts';
import { describeFileError } from './text-file.ts';

/** The keys of which one without the other says nothing. */
const PAIRS: readonly (readonly [Key, Key])[] = [
  ['etcd_user', 'etcd_password'],
  ['etcd_cert_file', 'etcd_key_file'],
];

const ETCD_FILES = ['etcd_ca_file', 'etcd_cert_file', 'etcd_key_file'] as const;

/** The keys after each was looked at by itself. */
export interface ReadKeys {
  readonly values: Partial<Values>;
  /** The keys that have a value or were refused: none of them is missing. */
  readonly tried: ReadonlySet<string | undefined>;
  readonly given: GivenKeys;
  readonly workingDirectory: string;
}

/** What is wrong between keys of which each is right by itself, and with the files that they name. */
export function findContradictions({ values, tried, given, workingDirectory }: ReadKeys): readonly Problem[] {
  const problem = (key: Key, message: string): Problem => {
    const place = given.get(key)?.place;
    return place === undefined ? { key, message } : { place, key, message };
  };
  return [
    ...PAIRS.flatMap((pair) => {
      const [present, ...others] = pair.filter((key) => tried.has(key));
      const [absent] = pair.filter((key) => !tried.has(key));
      if (present === undefined || others.length > 0) return [];
      return [problem(present, `goes together with ${absent}, which is missing`)];
    }),
    ...findLongLabel(values).map((message) => problem(given.has('label') ? 'label' : 'interface', message)),
    ...namedFiles(values).flatMap(([key, path]) => {
      const reason = whyUnreadable(resolve(workingDirectory, path));
      return reason === undefined ? [] : [problem(key, `cannot read ${path}: ${reason}`)];
    }),
  ];
}

/** Keys without effect: no error, but surely not meant. */
export function findIdleKeys(values: Values): readonly string[] {
  const idle = ETCD_FILES.filter((key) => values[key] !== undefined);
  if (idle.length === 0 || values.etcd_endpoints.every((endpoint) => endpoint.startsWith('https:')))
    return [];
  return [`${idle.join(', ')} ${idle.length === 1 ? 'has' : 'have'} no effect: etcd_endpoints are http://`];
}

/** Passwords in a file that every user of this machine can read. */
export function findOpenSecrets(
  file: { readonly name: string; readonly path: string },
  given: GivenKeys,
): readonly string[] {
  const secrets = KEYS.filter((key) => isSecret(key) && given.has(key));
  if (secrets.length === 0 || (statSync(file.path).mode & constants.S_IROTH) === 0) return [];
  return [`${file.name} holds ${secrets.join(' and ')}, and every user can read it: chmod o-r ${file.name}`];
}

function findLongLabel({ interface: name, label }: Partial<Values>): readonly string[] {
  if (name === undefined || label === undefined) return [];
  const whole = `${name}:${label}`;
  if (whole.length <= INTERFACE_NAME_LENGTH) return [];
  return [
    `${whole} has ${whole.length} characters: interface and label are at most ${INTERFACE_NAME_LENGTH} with the ":"`,
  ];
}

function namedFiles(values: Partial<Values>): readonly (readonly [Key, string])[] {
  const { caFile, certFile, keyFile } = values.db_options ?? {};
  const named: readonly (readonly [Key, string | undefined])[] = [
    ...ETCD_FILES.map((key) => [key, values[key]] as const),
    ...[caFile, certFile, keyFile].map((path) => ['db_options', path] as const),
  ];
  return named.flatMap(([key, path]) => (path === undefined ? [] : [[key, path] as const]));
}

function whyUnreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isDirectory() ? 'it is a directory' : undefined;
  } catch (error) {
    return describeFileError(error);
  }
}
