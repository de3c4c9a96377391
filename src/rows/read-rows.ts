/**
 * Reads a list of users as rows with the line of each; knows neither where the bytes come from nor what becomes of the rows.
 */
import { type ColumnMap, createColumns } from './columns.ts';
import { csvRows } from './csv-rows.ts';
import { withEmptied } from './empty-values.ts';
import { jsonUsers } from './json-users.ts';
import { ndjsonRows } from './ndjson-rows.ts';
import { PRESETS, type PresetName } from './presets.ts';
import type { Row } from './row.ts';

/** What a caller may name. */
export const FORMATS = ['csv', 'ndjson'] as const;
/** `json`: the export of another system. */
export type Format = (typeof FORMATS)[number] | 'json';

export interface RowOptions {
  format: Format;
  /** Of a CSV. Default: the comma, semicolon or tab that makes sense of the header. */
  delimiter?: string | undefined;
  /** What columns of other names are. */
  map?: ColumnMap | undefined;
  /** The system that has exported the list. */
  from?: PresetName | undefined;
  /** Values that stand for an empty cell. */
  empty?: ReadonlySet<string> | undefined;
}

/**
 * The rows in their order, faulty ones and those without a value among them; empty lines and rows of empty cells are left out. Holds
 * no more than a piece of the file at a time.
 * @param warn called at the end, for what is no fault but probably not meant.
 */
export async function* readRows(
  bytes: AsyncIterable<Buffer>,
  { format, delimiter, map, from, empty }: RowOptions,
  warn?: (message: string) => void,
): AsyncGenerator<Row> {
  const columns = createColumns(map, from && PRESETS[from]);
  yield* withEmptied(rowsOf(), { values: empty, isExport: from !== undefined });
  for (const message of [...columns.unmet(), ...columns.doubtful()]) warn?.(message);

  function rowsOf(): AsyncIterable<Row> {
    switch (format) {
      case 'csv':
        return csvRows(bytes, { delimiter, columns });
      case 'ndjson':
        return ndjsonRows(bytes, { columns });
      case 'json':
        return jsonUsers(bytes, columns);
    }
  }
}

/** The format that a file's name tells; undefined where it tells none. */
export function formatOf(file: string): Exclude<Format, 'json'> | undefined {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === 'csv' || ending === 'tsv' || ending === 'txt') return 'csv';
  return ending === 'ndjson' || ending === 'jsonl' ? 'ndjson' : undefined;
}
