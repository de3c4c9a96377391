/**
 * Reads NDJSON as rows: one object per line, with the fields of `profile` and `settings` in these or beside the others. Checks the form and
 * the names, not the values.
 */
import { type Columns, isBlank } from './columns.ts';
import { type Line, readLines } from './lines.ts';
import { isSection, repeatedKeys } from './repeated-keys.ts';
import { type Fault, type Row, broken } from './row.ts';

export async function* ndjsonRows(bytes: AsyncIterable<Buffer>, columns: Columns): AsyncGenerator<Row> {
  for await (const line of readLines(bytes)) {
    const row = toRow(line, columns);
    if (row !== undefined) yield row;
  }
}

/** Undefined for an empty line or object. */
function toRow({ number: line, text, fault, isLast }: Line, columns: Columns): Row | undefined {
  if (fault !== undefined) return broken(isLast ? 'unreadable' : 'faulty', line, fault);
  if (isBlank(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return broken('faulty', line, `is not JSON${placeIn(error)}`);
  }
  if (!isObject(value)) return broken('faulty', line, 'is not a JSON object');
  if (Object.keys(value).length === 0) return undefined;
  const data: Record<string, unknown> = {};
  const faults: Fault[] = repeatedKeys(text, value).map((name) => {
    const column = columns.of(name);
    return column.is === 'field'
      ? { line, column: column.field, message: 'occurs twice' }
      : { line, message: 'has a duplicate key' };
  });
  for (const [name, given] of entriesOf(value, columns)) {
    const column = columns.of(name);
    if (column.is === 'unknown') faults.push({ line, message: column.message });
    if (column.is !== 'field') continue;
    const { field } = column;
    if (field in data) faults.push({ line, column: field, message: 'occurs twice' });
    // Refused here, because deep nesting would break later code.
    if (typeof given === 'object' && given !== null) {
      faults.push({ line, column: field, message: 'is an object or an array: a field has one value' });
    }
    data[field] = given;
  }
  return faults.length > 0 ? { is: 'faulty', line, faults } : { is: 'row', line, data };
}

/** The entries, with those of the sections among them, unless a section's name is mapped. */
function entriesOf(object: object, columns: Columns): [string, unknown][] {
  return Object.entries(object).flatMap(([name, value]: [string, unknown]) => {
    if (!isSection(name) || columns.isKnown(name)) return [[name, value]];
    return isObject(value) ? Object.entries(value) : value === null ? [] : [[name, value]];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The parser's message quotes the text around the fault; its position is enough. */
function placeIn(error: unknown): string {
  const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? '' : ` at character ${Number(position) + 1}`;
}
