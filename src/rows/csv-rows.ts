/**
 * Reads a CSV as rows: applies the header, and stops after a fault that makes the rest meaningless.
 */
import { type Columns, isBlank } from './columns.ts';
import { type CsvRecord, csvRecords } from './csv-records.ts';
import { type Header, readHeader, isHeader } from './header.ts';
import { readLines } from './lines.ts';
import { type Row, broken } from './row.ts';

/** Ends with the first unreadable row. @param delimiter default: the one that fits the header. */
export async function* csvRows(
  bytes: AsyncIterable<Buffer>,
  columns: Columns,
  delimiter: string | undefined,
): AsyncGenerator<Row> {
  let header: Header | undefined;
  for await (const record of csvRecords(
    readLines(bytes),
    (first) => delimiter ?? detectDelimiter(first, columns),
  )) {
    if (header === undefined) {
      const read = readHeader(record, columns);
      if ('faults' in read) return yield read;
      header = read;
      continue;
    }
    const row = toRow(record, header, columns);
    if (row !== undefined) yield row;
    if (row?.is === 'unreadable') return;
  }
  if (header === undefined)
    yield broken('unreadable', 1, 'the file is empty: its first line names the columns');
}

/** The delimiter with the most known columns, then with the most columns. */
function detectDelimiter(header: string, columns: Columns): string {
  const [best = ','] = [',', ';', '\t']
    .map((delimiter) => {
      const names = header.split(delimiter).map((name) => name.replaceAll('"', ''));
      return { delimiter, known: names.filter((name) => columns.isKnown(name)).length, count: names.length };
    })
    .toSorted((a, b) => b.known - a.known || b.count - a.count)
    .map(({ delimiter }) => delimiter);
  return best;
}

/** Undefined for a row of empty cells. */
function toRow({ line, cells, fault, isLast }: CsvRecord, header: Header, columns: Columns): Row | undefined {
  if (fault !== undefined) return broken(isLast ? 'unreadable' : 'faulty', line, fault);
  if (cells.every(isBlank)) return undefined;
  if (isHeader(cells, header, columns)) {
    return broken('unreadable', line, 'is another header: remove it, and use one file per list');
  }
  const { fields } = header;
  if (cells.length !== fields.length) {
    return broken('faulty', line, `has ${cells.length} columns, but the header has ${fields.length}`);
  }
  const given = cells.flatMap((cell, place) => {
    const field = fields[place];
    return field === undefined ? [] : [[field, cell] as const];
  });
  return { is: 'row', line, data: Object.fromEntries(given) };
}
