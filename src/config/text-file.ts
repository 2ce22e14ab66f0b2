import { readFileSync } from 'node:fs';
import type { Reading } from './rules.ts';

/** The text of a file, or why there is none ("permission denied", "no such file"). */
export function readTextFile(path: string): Reading<string> {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    return { refused: describeFileError(error) };
  }
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(content) };
  } catch {
    return { refused: 'it is not UTF-8 text' };
  }
}

/** Why a file cannot be used, in words. */
export function describeFileError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return FILE_ERRORS[code] ?? code;
}

export const NO_SUCH_FILE = 'no such file';

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: NO_SUCH_FILE,
  ENOTDIR: 'a part of its path is not a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links go round in a circle',
};
