/**
 * Reads a text as a list of users, in pieces, as a file arrives; and what its faults say.
 */
import { type RowOptions, readRows } from '../../src/rows/read-rows.ts';
import type { Row } from '../../src/rows/row.ts';

export async function rowsIn(
  content: string | Buffer,
  options: Partial<RowOptions> = {},
  { pieceBytes = 7, warn = (_message: string): void => {} } = {},
): Promise<Row[]> {
  const bytes = Buffer.from(content);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
  }
  const rows: Row[] = [];
  for await (const row of readRows(pieces(), { format: 'csv', ...options }, warn)) rows.push(row);
  return rows;
}

/** What the rows have, or what is wrong with them. */
export function told(rows: readonly Row[]): unknown[] {
  return rows.flatMap<unknown>((row) =>
    'faults' in row
      ? row.faults.map(({ line, column, message }) => `${row.is} ${line} ${column ?? '-'} ${message}`)
      : [row.is === 'row' ? row.data : row],
  );
}
