import type { YAMLError } from 'yaml';
import { isKey, type Key } from './schema.ts';

type SyntaxErrorCode = YAMLError['code'];

const NESTED = 'is indented or nested where it must not be: write "key: value", all keys at the same column';

/**
 * What a YAML error means to the writer of a file. The library's own messages quote the source, which may be a
 * password, so none of them is passed on.
 */
const MEANINGS: Partial<Record<SyntaxErrorCode, string>> = {
  BAD_ALIAS: 'is no valid alias: a value that begins with "*" needs quotes',
  BAD_DIRECTIVE: 'is no valid YAML directive: a line that begins with "%" needs quotes',
  BAD_DQ_ESCAPE: 'has a backslash in double quotes that YAML does not know: use single quotes',
  BAD_INDENT: 'is not indented as YAML needs it, or a bracket is not closed',
  BAD_SCALAR_START: 'begins with a character that YAML reserves: write the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: NESTED,
  DUPLICATE_KEY: 'is given twice: one of the two must go',
  MISSING_CHAR: 'something is missing here: a closing quote or bracket, a comma, or ": " after a key',
  MULTILINE_IMPLICIT_KEY: NESTED,
  MULTIPLE_DOCS: 'a second document begins here ("---"): there must be one only',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  TAB_AS_INDENT: 'is indented with a tab: use spaces',
  TAG_RESOLVE_FAILED:
    'has a tag ("!"), and tags are not allowed: write the value in quotes if the "!" is part of it',
  UNEXPECTED_TOKEN: 'is not expected here: a value with special characters needs quotes',
};

/** One sentence about a syntax error, without a word from the file. */
export function describeSyntaxError({ code }: YAMLError): string {
  return MEANINGS[code] ?? `cannot be read as YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
}

/** The known key in whose lines a place of the text lies: that of its own line, else the last one above. */
export function keyAround(content: string, offset: number): Key | undefined {
  const endOfLine = content.indexOf('\n', offset);
  const lines = content.slice(0, endOfLine === -1 ? undefined : endOfLine).split('\n');
  return lines
    .map((line) => /^\s*["']?([a-z_]+)["']?\s*:/.exec(line)?.[1])
    .findLast((name): name is Key => name !== undefined && isKey(name));
}
