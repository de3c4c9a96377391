/** Lists read in pieces of so many bytes, their faults alone, and what some faults say. */
import type { Row } from '../../src/rows/row.ts';
import type { RowOptions } from '../../src/rows/read-rows.ts';
import { rowsIn } from './read-text.ts';

export const read = (
  content: string | Buffer,
  options: Partial<RowOptions> = {},
  pieceBytes = 7,
): Promise<Row[]> => rowsIn(content, options, { pieceBytes });

export const told = (rows: Row[]) =>
  rows.flatMap((row) =>
    'faults' in row
      ? row.faults.map(({ line, column, message }) => `${row.is} ${line} ${column ?? '-'} ${message}`)
      : [],
  );

export const ENCODING =
  'is not UTF-8: save the list as UTF-8, or convert it (iconv -f WINDOWS-1252 -t UTF-8)';
export const NUL =
  'has a NUL, a byte of zero: the file is UTF-16, damaged or not text. Export it again as UTF-8';
