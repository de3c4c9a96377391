/**
 * The facts file on disk. Knows where it lies when nobody says, and how a bad one is reported; not what is in it.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { FactsFile } from '../../tools/probe/facts.ts';
import { UsageError } from './usage-error.ts';

/** Relative to the working directory. */
export const FACTS_FILE = 'damoov-facts.json';

/**
 * Undefined if there is no such file.
 * @throws UsageError for a file that cannot be read or is none of ours, by what is wrong with it.
 */
export function readFactsFile(file: string): FactsFile | undefined {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(`${file}: is not JSON`);
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new UsageError(`${file}: cannot be read (${code})`);
  }
  const parsed = FactsFile.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `${file}: is no facts file of this version, run the probe again:\n${z.prettifyError(parsed.error)}`,
  );
}

/** In one step, so that nobody reads half of it. */
export function writeFactsFile(file: string, facts: FactsFile): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(facts, undefined, 2)}\n`);
    renameSync(draft, file);
  } catch (error) {
    throw new Error(`${file}: cannot be written (${codeOf(error)})`, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
