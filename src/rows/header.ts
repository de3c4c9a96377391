/**
 * The first line of a CSV: which field each of its columns is, and whether a later line is a header too.
 */
import { type Columns, folded } from './columns.ts';
import type { CsvRecord } from './csv-records.ts';
import { ENCODING_FAULT, NOT_UTF8 } from './decode.ts';
import { rivals } from './rival-columns.ts';
import { type BrokenRow, type Fault, type Field, unreadable } from './row.ts';

export interface Header {
  line: number;
  /** By the place of the column; undefined: it is left out. */
  fields: readonly (Field | undefined)[];
  /** As {@link folded}. */
  names: readonly string[];
  /** The places of the columns that are not left out. */
  kept: readonly number[];
}

/** Reads the header, or tells everything that is wrong with it. */
export function headerOf(
  { line, cells: names, fault }: CsvRecord,
  columns: Columns,
): { header: Header } | BrokenRow {
  // Without its header nothing of the file can be told.
  if (fault !== undefined) return unreadable(line, fault.message);
  const found = names.map((name) => columns.of(name));
  const unmet = columns.unmet();
  const isUnderstood = unmet.length === 0 && found.every(({ is }) => is !== 'unknown');
  if (!isUnderstood && names.some((name) => name.includes(NOT_UTF8))) return unreadable(line, ENCODING_FAULT);
  const isHeader = found.some(
    (column) => column.is === 'field' || (column.is === 'unknown' && column.isNearlyKnown),
  );
  if (!isHeader && unmet.length === 0) {
    // Its names may be somebody's data, and are not told.
    return unreadable(
      line,
      'no column is known: the first line must name them, such as clientId,firstName,email',
    );
  }
  const unknown = found.flatMap((column, place): Fault[] =>
    column.is === 'unknown' ? [{ line, column: `column ${place + 1}`, message: column.message }] : [],
  );
  const others = [...rivals(names, found), ...unmet].map((message): Fault => ({ line, message }));
  const faults = [...withHelp(unknown), ...others];
  if (faults.length > 0) return { is: 'unreadable', line, faults };
  const fields = found.map((column) => (column.is === 'field' ? column.field : undefined));
  return { header: headerWith(line, names, fields) };
}

/** Said once, with the last one. */
function withHelp(unknown: readonly Fault[]): Fault[] {
  const help = "--map 'NAME=FIELD' says what a column is, 'NAME=' leaves it out, '*=' all others";
  return unknown.map((fault, index) =>
    index < unknown.length - 1 ? fault : { ...fault, message: `${fault.message} (${help})` },
  );
}

/** @param names of the columns, as the file has them or would have them. */
export function headerWith(line: number, names: readonly string[], fields: Header['fields']): Header {
  const kept = [...fields.keys()].filter((place) => fields[place] !== undefined);
  return { line, fields, names: names.map((name) => folded(bare(name))), kept };
}

/**
 * A record that is a header, as in the middle of files that were joined. The same one again is a fault of its line; after another one
 * nobody knows what the columns are.
 */
export function headerIn(
  { line, cells }: CsvRecord,
  header: Header,
  columns: Columns,
): BrokenRow | undefined {
  const { names, fields, kept } = header;
  const nameAt = (place: number) => bare(cells[place] ?? '');
  const isWritten = (place: number) => folded(nameAt(place)) === names[place];
  const isSame = (place: number) => isWritten(place) || columns.fieldOf(nameAt(place)) === fields[place];
  // Nearly every row is told from a header by its first cell.
  const isHeader = (place: number) =>
    nameAt(place) === '' || columns.isKnown(nameAt(place)) || isWritten(place);
  if (!kept.every(isHeader)) return undefined;
  const given = kept.filter((place) => nameAt(place) !== '');
  if (given.length > 0 && kept.every(isSame)) {
    const message = `repeats the header of line ${header.line}: remove it`;
    return { is: 'faulty', line, faults: [{ line, message }] };
  }
  const isOther = new Set(given.map((place) => folded(nameAt(place)))).size >= 2;
  return isOther ? unreadable(line, 'is another header: give each list a file of its own') : undefined;
}

/** Without the blanks and the quotes around it. */
function bare(name: string): string {
  const text = name.trim();
  const isQuoted = text.length > 1 && /^["']/.test(text) && text.endsWith(text.charAt(0));
  return isQuoted ? text.slice(1, -1) : text;
}

/** What a column is called where it has a fault. */
export function labelOf({ fields }: Header, place: number): string {
  return fields[place] ?? `column ${place + 1}`;
}
