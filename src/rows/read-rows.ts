/**
 * Reads a list of users as rows with their line numbers.
 */
import { type ColumnMap, createColumns } from './columns.ts';
import { csvRows } from './csv-rows.ts';
import { ndjsonRows } from './ndjson-rows.ts';
import { type Field, FIELDS, type Row, type RowData } from './row.ts';

export const FORMATS = ['csv', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

export interface RowOptions {
  format: Format;
  /** For a CSV. Default: the comma, semicolon or tab that fits the header. */
  delimiter?: string | undefined;
  /** The fields of columns with other names. */
  map?: ColumnMap | undefined;
  /** Values that mean an empty cell, without the blanks around them. */
  empty?: ReadonlySet<string> | undefined;
}

/**
 * The rows in order, including faulty ones and those without a value; omits empty lines and rows of empty cells. Holds one row at a time.
 * @param warn called at the end for values that are valid but probably unintended.
 */
export async function* readRows(
  bytes: AsyncIterable<Buffer>,
  { format, delimiter, map, empty = new Set() }: RowOptions,
  warn?: (message: string) => void,
): AsyncGenerator<Row> {
  const columns = createColumns(map);
  const rows = format === 'csv' ? csvRows(bytes, columns, delimiter) : ndjsonRows(bytes, columns);
  for await (const row of rows) {
    if (row.is !== 'row') {
      yield row;
      continue;
    }
    const { line } = row;
    const data = empty.size === 0 ? row.data : emptied(row.data, empty);
    yield Object.values(data).some(hasValue) ? { is: 'row', line, data } : { is: 'empty', line };
  }
  for (const message of columns.unmet()) warn?.(message);
}

function emptied(row: RowData, empty: ReadonlySet<string>): RowData {
  const data: Partial<Record<Field, unknown>> = { ...row };
  for (const field of FIELDS) {
    const value = row[field];
    if (typeof value === 'string' && empty.has(value.trim())) data[field] = '';
  }
  return data;
}

function hasValue(value: unknown): boolean {
  return typeof value === 'string' ? value.trim() !== '' : value !== undefined && value !== null;
}

/** The format by the file name; undefined if it does not show one. */
export function detectFormat(file: string): Format | undefined {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === 'csv' || ending === 'tsv' || ending === 'txt') return 'csv';
  return ending === 'ndjson' || ending === 'jsonl' ? 'ndjson' : undefined;
}
