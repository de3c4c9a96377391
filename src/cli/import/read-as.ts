/**
 * How a list of users is to be read: as the caller says, as the name of the file says, or as its first bytes say. What is no such
 * list is refused with the command that makes one of it.
 */
import { createColumns } from '../../rows/columns.ts';
import { PRESETS } from '../../rows/presets.ts';
import { type Format, type RowOptions, formatOf } from '../../rows/read-rows.ts';
import { HEAD_BYTES, type Recognised, recognise } from '../../rows/recognise-format.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { Source } from './source.ts';

/** What `import` and `reconcile` are told about a list. */
export interface ListOptions extends Partial<Omit<RowOptions, 'format'>> {
  format?: Exclude<Format, 'json'>;
  /** Epoch milliseconds. */
  asOf?: number;
}

export interface ReadAs extends ListOptions {
  /** As it was given: `-` for the standard input. */
  file: string;
  command: 'import' | 'reconcile';
}

/** @throws UsageError where it cannot be read. */
export async function rowOptionsOf(
  source: Pick<Source, 'head' | 'writtenAt'>,
  readAs: ReadAs,
): Promise<RowOptions> {
  const { file, delimiter, map, from, empty } = readAs;
  const format = readAs.format ?? formatOf(file);
  const head = await source.head(HEAD_BYTES);
  const columns = createColumns(map, from && PRESETS[from]);
  const found = recognise(head, { format, delimiter, columns });
  if (found !== undefined) throw new UsageError(refusalOf(found, readAs, source.writtenAt));
  const how = { delimiter, map, from, empty };
  if (from !== undefined) return { format: isJson(head) ? 'json' : 'csv', ...how };
  if (format !== undefined) return { format, ...how };
  throw new UsageError('--format: csv or ndjson? The name of the file does not tell');
}

function isJson(head: Buffer): boolean {
  return /^\uFEFF?\s*[[{]/.test(head.toString());
}

/** The list that comes through a pipe is as old as the file was. */
function refusalOf({ is, command, ...found }: Recognised, readAs: ReadAs, writtenAt: number): string {
  const { file, asOf = writtenAt, from } = readAs;
  const isPiped = file === '-';
  const refusal = `${isPiped ? 'the standard input' : file} ${is}`;
  if (command === undefined) return refusal;
  const format = found.format ?? readAs.format ?? formatOf(innerName(file)) ?? 'csv';
  const delimiter = found.delimiter ?? readAs.delimiter;
  const call = [
    ...(isPiped ? ['… |'] : []),
    command,
    ...(isPiped ? [] : [inShell(file.startsWith('-') ? `./${file}` : file)]),
    `| damoov-users ${readAs.command} -`,
    from === undefined ? `--format ${format}` : `--from ${from}`,
    ...(delimiter === undefined ? [] : ['--delimiter', delimiter === '\t' ? 'tab' : inShell(delimiter)]),
    `--as-of ${new Date(Math.min(asOf, Date.now())).toISOString()}`,
  ].join(' ');
  return `${refusal}. Use, with your other options:\n  ${call}`;
}

/** `users.ndjson` of `users.ndjson.gz`. */
function innerName(file: string): string {
  return file.replace(/\.[^.]*$/, '').replace(/\.json$/i, '.ndjson');
}

function inShell(text: string): string {
  return /^[\w./@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
