/**
 * Reads and writes the facts file. Defines its default place, and how a bad file is reported; not its content.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { errorCode } from '../../config/read-file.ts';
import { FactsFile } from '../../tools/probe/facts.ts';
import { UsageError } from './usage-error.ts';

/** Relative to the working directory. */
export const FACTS_FILE = 'damoov-facts.json';

/**
 * Undefined if there is no such file.
 * @throws UsageError for a file that cannot be read or is not a facts file; the message gives the reason.
 */
export function readFactsFile(file: string): FactsFile | undefined {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(`${file}: is not JSON`);
    const code = errorCode(error);
    if (code === 'ENOENT') return undefined;
    throw new UsageError(`${file}: cannot be read (${code})`);
  }
  const parsed = FactsFile.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `${file}: is not a facts file of this version, run the probe again:\n${z.prettifyError(parsed.error)}`,
  );
}

/** Atomic, so that no reader sees half of it. */
export function writeFactsFile(file: string, facts: FactsFile): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(facts, undefined, 2)}\n`);
    renameSync(draft, file);
  } catch (error) {
    throw new Error(`${file}: cannot be written (${errorCode(error)})`, { cause: error });
  }
}
