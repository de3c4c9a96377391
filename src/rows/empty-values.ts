/**
 * Takes some values for empty cells: what other systems write where there is nothing. Tells apart the rows in which no field has
 * a value.
 */
import { type Field, FIELDS, type Row, type RowData, hasValue } from './row.ts';

export interface EmptyOptions {
  /** As they are in the file, without the blanks around them. */
  values?: ReadonlySet<string> | undefined;
  /** Each row is a user, also one of whom nothing is known that is wanted. */
  isExport: boolean;
}

export async function* withEmptied(
  rows: AsyncIterable<Row>,
  { values = new Set(), isExport }: EmptyOptions,
): AsyncGenerator<Row> {
  for await (const row of rows) {
    if (row.is !== 'row') {
      yield row;
      continue;
    }
    const found = values.size === 0 ? row : { ...row, data: emptied(row.data, values) };
    yield isExport || hasValue(found.data) ? found : { is: 'empty', line: row.line };
  }
}

function emptied(row: RowData, values: ReadonlySet<string>): RowData {
  const data: Partial<Record<Field, unknown>> = { ...row };
  for (const field of FIELDS) {
    const value = data[field];
    if (typeof value === 'string' && values.has(value.trim())) data[field] = '';
  }
  return data;
}
