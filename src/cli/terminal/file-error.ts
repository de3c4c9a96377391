/**
 * Errors of the file system in words: what cannot be done, with which file, and why. None has a code, by which a lost
 * connection to Redis is known.
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
