import type { Given, GivenKeys } from './given.ts';
import { describeGiven, type Place, type Problem } from './problem.ts';
import { isSecret, KEYS, type Key, schema, type Values, variableOf } from './schema.ts';

/** What the schema makes of the keys: a value or problems for each that is given, the default for the others. */
export function readValues(given: GivenKeys): {
  readonly values: Partial<Values>;
  readonly problems: readonly Problem[];
} {
  const values: [Key, unknown][] = [];
  const problems: Problem[] = [];
  for (const key of KEYS) {
    const written = given.get(key);
    const result = schema.shape[key].safeParse(written?.value);
    if (result.success) values.push([key, result.data]);
    else if (written !== undefined) problems.push(...describeIssues(key, written, result.error.issues));
  }
  return { values: Object.fromEntries(values), problems };
}

/** Whether there is neither a default nor a meaning for leaving this key out. */
export function isRequired(key: Key): boolean {
  return !schema.shape[key].safeParse(undefined).success;
}

export function isComplete(values: Partial<Values>): values is Values {
  return KEYS.every((key) => values[key] !== undefined || !isRequired(key));
}

/** A required key that neither file nor environment gives. */
export function describeMissing(key: Key, place: Place | undefined): Problem {
  const message = `is required, here or as ${variableOf(key)}: ${schema.shape[key].meta()?.description}`;
  return place === undefined ? { key, message } : { place, key, message };
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** One problem a place: the key's value, or the item of its list. */
function describeIssues(key: Key, written: Given, issues: readonly Issue[]): readonly Problem[] {
  const firstOfEach = new Map(issues.toReversed().map((issue) => [issue.path[0], issue]));
  return [...firstOfEach.values()].toReversed().map(({ path: [index], message }) => {
    const place = (typeof index === 'number' ? written.items?.[index] : undefined) ?? written.place;
    return { place, key, message: `${message}${describeValue(key, written.value, index)}` };
  });
}

/** A list is shown where none of its items may carry credentials: a comma in a password cuts an item in two. */
function describeValue(key: Key, value: unknown, index: PropertyKey | undefined): string {
  const isTellable = !isSecret(key) && key !== 'db_options' && describeGiven(String(value)) !== '';
  if (!isTellable) return '';
  return describeGiven(Array.isArray(value) && typeof index === 'number' ? value[index] : value);
}
