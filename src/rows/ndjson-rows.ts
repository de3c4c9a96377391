/**
 * Reads NDJSON as rows: an object a line, with the fields of the profile beside the others or in `profile`. Judges the form
 * and the names, no value.
 */
import { isUtf8 } from 'node:buffer';
import { type Columns, shownName } from './columns.ts';
import { ENCODING_FAULT, NUL_FAULT } from './decode.ts';
import { linesOf } from './lines.ts';
import { repeatedKeys } from './repeated-keys.ts';
import { type Fault, type Row, unreadable } from './row.ts';

export async function* ndjsonRows(
  bytes: AsyncIterable<Buffer>,
  { columns }: { columns: Columns },
): AsyncGenerator<Row> {
  let number = 0;
  for await (const line of linesOf(bytes, MOST_OF_LINE)) {
    number += 1;
    if (number === 1 && UTF16.includes(line.subarray(0, 2).toString('hex'))) {
      yield unreadable(1, 'the file is UTF-16: save it as UTF-8');
      return;
    }
    const row = rowOf(number, line, columns);
    if (row !== undefined) yield row;
  }
}

const UTF16 = ['fffe', 'feff'];

/** What a line may take, in bytes, with what is left out of it: parsing it takes some times as much memory. */
export const MOST_OF_LINE = 4 * 1024 * 1024;

/** Undefined for an empty line, and an empty object. */
function rowOf(line: number, bytes: Buffer, columns: Columns): Row | undefined {
  const faulty = (message: string, column?: string): Row => ({
    is: 'faulty',
    line,
    faults: [{ line, ...(column !== undefined && { column }), message }],
  });
  if (bytes.length > MOST_OF_LINE) return faulty(`longer than ${MOST_OF_LINE} bytes`);
  if (!isUtf8(bytes)) return faulty(ENCODING_FAULT);
  if (bytes.includes(0)) return faulty(NUL_FAULT);
  const text = bytes.toString().replace(/^\uFEFF/, '');
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return faulty('is not JSON', placeIn(error));
  }
  if (!isObject(value)) return faulty('is no JSON object');
  if (Object.keys(value).length === 0) return undefined;
  const { data, faults } = read(line, value, columns);
  for (const name of repeatedKeys(text, value)) {
    const column = columns.of(name);
    if (column.is === 'field') faults.push({ line, column: column.field, message: TWICE });
    else faults.push({ line, message: `${shownName(name)} ${TWICE}` });
  }
  return faults.length > 0 ? { is: 'faulty', line, faults } : { is: 'row', line, data };
}

const TWICE = 'is there twice';

function read(line: number, object: object, columns: Columns) {
  const data: Record<string, unknown> = {};
  const faults: Fault[] = [];
  for (const [name, value] of entriesOf(object)) {
    const column = columns.of(name);
    if (column.is === 'unknown') faults.push({ line, message: column.message });
    if (column.is !== 'field') continue;
    const { field } = column;
    if (field in data) faults.push({ line, column: field, message: TWICE });
    // Refused here, as it may be nested more deeply than anything that goes through it may go.
    if (typeof value === 'object' && value !== null) {
      faults.push({ line, column: field, message: 'is an object or an array: a field has one value' });
    }
    data[field] = value;
  }
  return { data, faults };
}

/** What is in a profile stands for itself. */
function entriesOf(object: object): [string, unknown][] {
  return Object.entries(object).flatMap(([name, value]: [string, unknown]) => {
    if (name.toLowerCase() !== 'profile') return [[name, value]];
    return isObject(value) ? Object.entries(value) : value === null ? [] : [[name, value]];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The parser's message quotes the text around the fault; its position tells as much. */
function placeIn(error: unknown): string | undefined {
  const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? undefined : `character ${Number(position) + 1}`;
}
