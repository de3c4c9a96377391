/**
 * The first line of a CSV: which field each of its columns is.
 */
import { type ColumnMap, columnOf } from './columns.ts';
import { type BrokenRow, type Fault, type Field, unreadable } from './row.ts';

/** By the place of the column; undefined: it is left out. */
export type Header = readonly (Field | undefined)[];

/** Reads the header, or tells everything that is wrong with it. */
export function headerOf(
  line: number,
  names: readonly string[],
  map: ColumnMap | undefined,
): { header: Header } | BrokenRow {
  const columns = names.map((name) => columnOf(name, map));
  if (!columns.some((column) => column.is === 'field' || (column.is === 'unknown' && column.isNearlyKnown))) {
    // Its names may be somebody's data, and are not told.
    return unreadable(
      line,
      'no column is known: the first line must name them, such as clientId,firstName,email',
    );
  }
  const faults: Fault[] = [];
  const places = new Map<Field, number>();
  const header = columns.map((column, place) => {
    if (column.is === 'left-out') return undefined;
    if (column.is === 'unknown') {
      faults.push({ line, column: `column ${place + 1}`, message: column.message });
      return undefined;
    }
    const { field } = column;
    const before = places.get(field);
    if (before === undefined) places.set(field, place);
    else {
      const message = `column ${before + 1} is ${field} already`;
      faults.push({ line, column: `column ${place + 1}`, message });
    }
    return field;
  });
  return faults.length === 0 ? { header } : { is: 'unreadable', line, faults };
}

/** What a column is called where it has a fault. */
export function labelOf(header: Header, place: number): string {
  return header[place] ?? `column ${place + 1}`;
}
