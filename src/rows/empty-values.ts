/**
 * Takes some values for empty cells: what other systems write where there is nothing.
 */
import { type Field, FIELDS, type Row, hasValue } from './row.ts';

/** @param values as they are in the file, without the blanks around them. */
export async function* withEmptied(
  rows: AsyncIterable<Row>,
  values: ReadonlySet<string> = new Set(),
): AsyncGenerator<Row> {
  for await (const row of rows) {
    if (row.is !== 'row' || values.size === 0) {
      yield row;
      continue;
    }
    const data: Partial<Record<Field, unknown>> = { ...row.data };
    for (const field of FIELDS) {
      const value = data[field];
      if (typeof value === 'string' && values.has(value.trim())) data[field] = '';
    }
    // A row in which nothing is left is as blank as one of empty cells.
    if (hasValue(data)) yield { ...row, data };
  }
}
