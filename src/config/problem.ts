/** Where a value of the configuration was written. Lines and columns count from 1. */
export type Place =
  | { readonly file: string; readonly line?: number; readonly column?: number }
  | { readonly variable: string };

/** One thing that is wrong with the configuration. The message never contains a secret. */
export interface Problem {
  readonly place?: Place;
  /** The key of yaim.yml that is meant, where one is. */
  readonly key?: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
}

/** Everything that is wrong with the configuration at once, a line each; the command ends with status 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const ordered = problems.toSorted(byPlace);
    super(ordered.map(formatProblem).join('\n'));
    this.problems = ordered;
  }

  /** The lines for the user, without the class's name and without a stack. */
  override toString(): string {
    return this.message;
  }
}

/** `yaim.yml:12:3: retry_num: must be …`, or `YAIM_RETRY_NUM: must be …`. */
export function formatProblem({ place, key, message }: Problem): string {
  if (place !== undefined && 'variable' in place) return `${place.variable}: ${message}`;
  const location = place === undefined ? [] : [place.file, place.line, place.column];
  const parts = [location.filter((part) => part !== undefined).join(':'), key, message];
  return parts.filter((part) => part !== undefined && part !== '').join(': ');
}

/**
 * `, got "three"`: the end of a message about a value that is no secret. A text that may carry credentials all the
 * same (a URL with a user or a query) is left out.
 */
export function describeGiven(given: unknown): string {
  if (Array.isArray(given)) return `, got a list of ${given.length}`;
  if (typeof given !== 'string') return ', got a mapping';
  if (/[@?]/.test(given)) return '';
  if (/^-?\d+(\.\d+)?$/.test(given)) return `, got ${given}`;
  return `, got ${JSON.stringify(given.length > 80 ? `${given.slice(0, 79)}…` : given)}`;
}

/** The file from its top to its end, then the environment; the order among equals stays. */
function byPlace({ place: a }: Problem, { place: b }: Problem): number {
  const left = a !== undefined && 'file' in a ? a : undefined;
  const right = b !== undefined && 'file' in b ? b : undefined;
  if (left === undefined || right === undefined)
    return Number(left === undefined) - Number(right === undefined);
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}
