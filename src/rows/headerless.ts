/**
 * A CSV without a header, whose columns are known by their places: which field each of them is.
 */
import type { Columns } from './columns.ts';
import type { CsvRecord } from './csv-records.ts';
import { type Header, headerWith } from './header.ts';
import { type BrokenRow, type Fault, unreadable } from './row.ts';

/** By the first row, which tells how many columns there are: newer exports have more than are documented. */
export function headerlessOf(
  { line, cells, fault }: CsvRecord,
  names: readonly string[],
  columns: Columns,
): { header: Header } | BrokenRow {
  if (fault !== undefined) return unreadable(line, fault.message);
  if (cells.length < names.length) {
    return unreadable(line, `has ${cells.length} columns, where the export has ${names.length} at least`);
  }
  if (cells.slice(0, names.length).some((cell) => cell !== '' && columns.isKnown(cell))) {
    return unreadable(line, 'is a header, which the export has not: leave it out (tail -n +2)');
  }
  const fields = cells.map((_, place) => {
    const column = columns.of(names[place] ?? '');
    return column.is === 'field' ? column.field : undefined;
  });
  const faults = columns.unmet().map((message): Fault => ({ line, message }));
  return faults.length === 0
    ? { header: headerWith(line, names, fields) }
    : { is: 'unreadable', line, faults };
}
