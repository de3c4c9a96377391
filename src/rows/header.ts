/**
 * The first line of a CSV: the field of each column, and whether a later line is also a header.
 */
import { type Columns, normalizedName } from './columns.ts';
import type { CsvRecord } from './csv-records.ts';
import { type BrokenRow, type Fault, type Field, broken } from './row.ts';

export interface Header {
  /** By column; undefined: the column is omitted. */
  fields: readonly (Field | undefined)[];
  /** In the {@link normalizedName} form. */
  names: readonly string[];
}

/** Reads the header, or reports all its faults. */
export function readHeader({ line, cells: names, fault }: CsvRecord, columns: Columns): Header | BrokenRow {
  // Without a header the file cannot be interpreted.
  if (fault !== undefined) return broken('unreadable', line, fault);
  const found = names.map((name) => columns.of(name));
  const unmet = columns.unmet();
  if (found.every((column) => column.is !== 'field' && !('hint' in column)) && unmet.length === 0) {
    // Its names may be personal data and are not reported.
    const message = 'no column is known: the first line must name them, such as clientId,firstName,email';
    return broken('unreadable', line, message);
  }
  const unknown = found.flatMap((column, place): Fault[] =>
    column.is === 'unknown' ? [{ line, column: `column ${place + 1}`, message: column.message }] : [],
  );
  const last = unknown.at(-1);
  if (last !== undefined) last.message += HELP;
  const fields = found.map((column) => (column.is === 'field' ? column.field : undefined));
  const faults = [
    ...unknown,
    ...[...duplicateFields(fields), ...unmet].map((message): Fault => ({ line, message })),
  ];
  if (faults.length > 0) return { is: 'unreadable', line, faults };
  return { fields, names: names.map(normalizedName) };
}

const HELP = " (--map 'NAME=FIELD' gives the field of a column, 'NAME=' omits it, '*=' omits all others)";

/** A message for each field that several columns have. */
function duplicateFields(fields: Header['fields']): string[] {
  const places = Map.groupBy(fields.keys(), (place) => fields[place]);
  return [...places].flatMap(([field, among]) => {
    if (field === undefined || among.length === 1) return [];
    const numbers = among.map((place) => place + 1).join(', ');
    return [`columns ${numbers} are all ${field}: rename all but one of them, or omit them (--map 'NAME=')`];
  });
}

/** Whether a record is a header, as in joined files: of this list, or of another one. */
export function isHeader(cells: readonly string[], { fields, names }: Header, columns: Columns): boolean {
  const kept = [...fields.keys()].filter((place) => fields[place] !== undefined);
  const nameAt = (place: number) => normalizedName(cells[place] ?? '');
  const isOwn = (place: number) => nameAt(place) === names[place];
  // The first cell nearly always shows that a row is not a header.
  const isName = (place: number) => nameAt(place) === '' || isOwn(place) || columns.isKnown(nameAt(place));
  if (!kept.every(isName)) return false;
  const given = new Set(kept.map(nameAt).filter((name) => name !== ''));
  // A person may be called like a column.
  return given.size >= 2 || (given.size === 1 && kept.every(isOwn));
}
