/**
 * Reads a list of users, CSV or NDJSON, as rows with the line of each; knows neither where the bytes come from nor what
 * becomes of the rows.
 */
import type { ColumnMap } from './columns.ts';
import { csvRows } from './csv-rows.ts';
import { ndjsonRows } from './ndjson-rows.ts';
import type { Row } from './row.ts';

export const FORMATS = ['csv', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

export interface RowOptions {
  format: Format;
  /** Of a CSV. Default: the comma, semicolon or tab that makes sense of the header. */
  delimiter?: string | undefined;
  /** What columns of other names are. */
  map?: ColumnMap | undefined;
}

/**
 * The rows in their order, faulty ones among them; empty lines and rows with nothing but empty cells are left out. Holds no
 * more than a piece of the file at a time.
 */
export function readRows(bytes: AsyncIterable<Buffer>, options: RowOptions): AsyncIterable<Row> {
  switch (options.format) {
    case 'csv':
      return csvRows(bytes, options);
    case 'ndjson':
      return ndjsonRows(bytes, options);
  }
}

/** The format that a file's name tells; undefined where it tells none. */
export function formatOf(file: string): Format | undefined {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === 'csv' || ending === 'tsv' || ending === 'txt') return 'csv';
  return ending === 'ndjson' || ending === 'jsonl' ? 'ndjson' : undefined;
}
