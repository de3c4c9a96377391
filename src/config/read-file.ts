/**
 * Reads a file that a variable names. Faults name the variable and never repeat the content: it holds secrets.
 */
import { readFileSync } from 'node:fs';

/** The text of the file; undefined, with a fault, if it cannot be read. */
export function readNamedFile(variable: string, file: string, faults: string[]): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    faults.push(`${variable}: cannot be read (${errorCode(error)})`);
    return undefined;
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
