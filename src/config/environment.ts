import { resolve } from 'node:path';
import { EMPTY_MEANS_NONE, type Given, type GivenKeys } from './given.ts';
import type { Problem } from './problem.ts';
import type { Reading } from './rules.ts';
import { isSecret, KEYS, type Key, PREFIX, variableOf } from './schema.ts';
import { suggest } from './suggest.ts';
import { readTextFile } from './text-file.ts';

/** The configuration of the environment, not yet validated. */
export interface EnvironmentKeys {
  readonly given: GivenKeys;
  readonly problems: readonly Problem[];
}

interface Meaning {
  readonly key: Key;
  /** Whether the variable names a file that holds the value. */
  readonly isFile: boolean;
}

/** Every variable that yaim knows. A key that is a file itself (`etcd_ca_file`) is not read from another one. */
export const VARIABLES: ReadonlyMap<string, Meaning> = new Map(
  KEYS.flatMap((key): [string, Meaning][] => {
    const itself: [string, Meaning] = [variableOf(key), { key, isFile: false }];
    return key.endsWith('_file') ? [itself] : [itself, [`${variableOf(key)}_FILE`, { key, isFile: true }]];
  }),
);

/** What Kubernetes sets in every pod when a Service is called "yaim"; it is nobody's configuration. */
const KUBERNETES_SERVICE = /^YAIM_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** The keys that `YAIM_…` variables give, or files that they name. An empty variable counts as not set. */
export function readEnvironment(environment: NodeJS.ProcessEnv, workingDirectory: string): EnvironmentKeys {
  const given = new Map<Key, Given>();
  const problems: Problem[] = [];
  for (const [variable, text = ''] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || isOfKubernetes(variable, text)) continue;
    const meaning = VARIABLES.get(variable);
    if (meaning === undefined) {
      const message = `unknown variable; did you mean ${suggestVariable(variable)}?`;
      problems.push({ place: { variable }, message });
      continue;
    }
    const { key, isFile } = meaning;
    if (text === '' && (isFile || key !== EMPTY_MEANS_NONE)) continue;
    const reading = isFile ? readValueFile(key, resolve(workingDirectory, text)) : { value: text };
    if ('refused' in reading) problems.push({ place: { variable }, key, message: reading.refused });
    else if (given.has(key)) problems.push({ place: { variable }, key, message: describeTwice(key) });
    else given.set(key, { value: reading.value, place: { variable } });
  }
  return { given, problems };
}

/**
 * The file's text, less the one newline that editors and `echo` put at its end. Of a secret not even the path is told:
 * it may be the secret itself, in the wrong variable.
 */
function readValueFile(key: Key, path: string): Reading<string> {
  const name = isSecret(key) ? 'the file that it names' : path;
  const reading = readTextFile(path);
  if ('refused' in reading) return { refused: `cannot read ${name}: ${reading.refused}` };
  const value = reading.value.replace(/\r?\n$/, '');
  return value === '' ? { refused: `${name} is empty` } : { value };
}

/** What all variables have in common would make all of them look alike. */
function suggestVariable(variable: string): string {
  const names = [...VARIABLES.keys()].map((name) => name.slice(PREFIX.length));
  return `${PREFIX}${suggest(variable.slice(PREFIX.length), names)}`;
}

function describeTwice(key: Key): string {
  return `both ${variableOf(key)} and ${variableOf(key)}_FILE are set: one of them must go`;
}

function isOfKubernetes(variable: string, text: string): boolean {
  return KUBERNETES_SERVICE.test(variable) || (variable === 'YAIM_PORT' && /^(tcp|udp|sctp):\/\//.test(text));
}
