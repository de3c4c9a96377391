/**
 * File system errors in words: what failed, with which file, and why. They have no code, because a code marks a lost connection to Redis.
 */
import { getSystemErrorMessage } from 'node:util';

export class FileError extends Error {
  override readonly name = 'FileError';

  /** @param what such as `outcomes.csv cannot be written`. */
  constructor(what: string, cause: unknown) {
    super(`${what} (${reasonOf(cause)})`, { cause });
  }
}

/** `ENOSPC: no space left on device`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code === undefined) return error.name;
  return errno === undefined ? code : `${code}: ${getSystemErrorMessage(errno)}`;
}
