import { hostname as nameOfHost } from 'node:os';
import { resolve } from 'node:path';
import type { Config } from './config.ts';
import { findContradictions, findIdleKeys, findOpenSecrets } from './consistency.ts';
import { type DocumentKeys, readDocument } from './document.ts';
import { readEnvironment } from './environment.ts';
import type { GivenKeys } from './given.ts';
import { readNodeName } from './names.ts';
import { ConfigError, describeGiven, type Place, type Problem } from './problem.ts';
import { KEYS } from './schema.ts';
import { NO_SUCH_FILE, readTextFile } from './text-file.ts';
import { toConfig } from './to-config.ts';
import { describeMissing, isComplete, isRequired, readValues } from './values.ts';

/** The file that is read when none is named. */
export const DEFAULT_FILE = 'yaim.yml';

export interface LoadOptions {
  /** The file that the user named: it must exist. Without it ./yaim.yml is read, where there is one. */
  readonly file?: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Relative paths begin here; by default the process's. */
  readonly workingDirectory?: string;
  /** The default of `nodename`; by default the operating system's. */
  readonly hostname?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, as it was named; or "environment". */
  readonly source: string;
  /** What is no error but deserves a line in the log. */
  readonly warnings: readonly string[];
}

/**
 * The configuration of file and environment, of which the environment wins.
 * @throws ConfigError with every problem at once.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { environment, workingDirectory = process.cwd(), hostname = nameOfHost() } = options;
  const file = options.file ?? DEFAULT_FILE;
  const path = resolve(workingDirectory, file);
  const document = openDocument(file, path, options.file !== undefined);
  const fromEnvironment = readEnvironment(environment, workingDirectory);
  const given = new Map([...(document?.given ?? []), ...fromEnvironment.given]);
  const { values, problems: invalid } = readValues(given);
  const refused = [...(document?.problems ?? []), ...fromEnvironment.problems, ...invalid];
  const tried = new Set([
    ...KEYS.filter((key) => values[key] !== undefined),
    ...refused.map(({ key }) => key),
  ]);
  // Of a file that cannot be read as keys nobody knows what is missing from it.
  const isReadable = document?.isReadable !== false;
  const problems = [
    ...refused,
    ...checkHostName(given, hostname),
    ...(isReadable ? findMissing(tried, document, workingDirectory) : []),
    ...(isReadable ? findContradictions({ values, tried, given, workingDirectory }) : []),
  ];
  if (problems.length > 0 || !isComplete(values)) throw new ConfigError(problems);
  return {
    config: toConfig(values, { workingDirectory, hostname }),
    source: document === undefined ? 'environment' : file,
    warnings: [
      ...findIdleKeys(values),
      ...(document === undefined ? [] : findOpenSecrets({ name: file, path }, document.given)),
    ],
  };
}

/** The keys of the file; undefined where none was named and there is none. */
function openDocument(file: string, path: string, isNamed: boolean): DocumentKeys | undefined {
  const reading = readTextFile(path);
  if ('value' in reading) return readDocument(file, reading.value);
  if (!isNamed && reading.refused === NO_SUCH_FILE) return undefined;
  const place: Place = { file };
  const problems = [{ place, message: `cannot be read: ${reading.refused}` }];
  return { given: new Map(), problems, place, isReadable: false, isEmpty: false };
}

function findMissing(
  tried: ReadonlySet<string | undefined>,
  document: DocumentKeys | undefined,
  workingDirectory: string,
): readonly Problem[] {
  const missing = KEYS.filter((key) => isRequired(key) && !tried.has(key));
  if (missing.length === 0) return [];
  const noFile = `no such file in ${workingDirectory}: name one with --config FILE, or set YAIM_ variables`;
  return [
    ...(document === undefined ? [{ place: { file: DEFAULT_FILE }, message: noFile }] : []),
    ...(document?.isEmpty === true ? [{ place: document.place, message: 'the file is empty' }] : []),
    ...missing.map((key) => describeMissing(key, document?.place)),
  ];
}

/** The default of `nodename` is what the machine says, and has to be a name as well. */
function checkHostName(given: GivenKeys, hostname: string): readonly Problem[] {
  if (given.has('nodename')) return [];
  const reading = readNodeName(hostname);
  const got = describeGiven(hostname);
  return 'value' in reading ? [] : [{ key: 'nodename', message: `the host name ${reading.refused}${got}` }];
}
