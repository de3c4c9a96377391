/**
 * The first line of a CSV: which field each of its columns is, and whether a later line is a header too.
 */
import { type ColumnMap, columnOf, isKnown } from './columns.ts';
import type { CsvRecord } from './csv-records.ts';
import { type BrokenRow, type Fault, type Field, unreadable } from './row.ts';

export interface Header {
  line: number;
  /** By the place of the column; undefined: it is left out. */
  fields: readonly (Field | undefined)[];
  /** As the file has them, in lower case. */
  names: readonly string[];
  /** The places of the columns that are not left out. */
  kept: readonly number[];
}

/** Reads the header, or tells everything that is wrong with it. */
export function headerOf(
  { line, cells: names, fault }: CsvRecord,
  map: ColumnMap | undefined,
): { header: Header } | BrokenRow {
  // Without its header nothing of the file can be told.
  if (fault !== undefined) return unreadable(line, fault.message);
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
  const fields = columns.map((column, place) => {
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
  if (faults.length > 0) return { is: 'unreadable', line, faults };
  const kept = [...fields.keys()].filter((place) => fields[place] !== undefined);
  return { header: { line, fields, names: names.map(folded), kept } };
}

/**
 * A record that is a header, as in the middle of files that were joined. The same one again is a fault of its line; after another one
 * nobody knows what the columns are.
 */
export function headerIn(
  { line, cells }: CsvRecord,
  header: Header,
  map: ColumnMap | undefined,
): BrokenRow | undefined {
  const { names, kept } = header;
  if (kept.every((place) => folded(cells[place] ?? '') === names[place])) {
    const message = `repeats the header of line ${header.line}: remove it`;
    return { is: 'faulty', line, faults: [{ line, message }] };
  }
  const found = new Set(kept.map((place) => folded(cells[place] ?? '')).filter((name) => name !== ''));
  if (found.size < 2 || ![...found].every((name) => isKnown(name, map))) return undefined;
  return unreadable(line, 'is another header: give each list a file of its own');
}

function folded(name: string): string {
  return name.trim().toLowerCase();
}

/** What a column is called where it has a fault. */
export function labelOf({ fields }: Header, place: number): string {
  return fields[place] ?? `column ${place + 1}`;
}
