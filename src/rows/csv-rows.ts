/**
 * Reads a CSV as rows: knows the header, what a row is by it, and after which faults the rest means nothing.
 */
import type { Columns } from './columns.ts';
import { type CsvRecord, CsvRecords } from './csv-records.ts';
import { ENCODING_FAULT, NOT_UTF8, decoded } from './decode.ts';
import { delimiterOf } from './delimiter.ts';
import { type Header, headerIn, headerOf, labelOf } from './header.ts';
import { headerlessOf } from './headerless.ts';
import { type BrokenRow, type Fault, type Row, unreadable } from './row.ts';

export interface CsvOptions {
  /** Default: the one that makes sense of the header. */
  delimiter?: string | undefined;
  columns: Columns;
}

/** Ends with the first row that is unreadable. */
export async function* csvRows(bytes: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<Row> {
  const { head, all } = await headOf(bytes);
  if (UTF16.some((mark) => head.subarray(0, mark.length).equals(mark))) {
    yield unreadable(1, 'the file is UTF-16: save it as UTF-8');
    return;
  }
  const { columns } = options;
  const names = columns.preset?.headerless;
  const delimiter = names === undefined ? delimiterOf(head.toString(), columns) : ',';
  const records = new CsvRecords(options.delimiter ?? delimiter);
  let header: Header | undefined;
  for await (const record of recordsOf(all, records)) {
    if (header === undefined) {
      const read = names === undefined ? headerOf(record, columns) : headerlessOf(record, names, columns);
      if ('faults' in read) {
        yield read;
        return;
      }
      ({ header } = read);
      records.keepOnly(header.fields.map((field) => field !== undefined));
      if (names === undefined) continue;
    }
    const row = rowOf(record, header, columns);
    if (row !== undefined) yield row;
    if (row?.is === 'unreadable') return;
  }
  if (header === undefined) yield unreadable(1, 'the file is empty: its first line names the columns');
}

const UTF16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

async function* recordsOf(bytes: AsyncIterable<Buffer>, records: CsvRecords): AsyncGenerator<CsvRecord> {
  for await (const text of decoded(bytes)) yield* records.read(text);
  const last = records.end();
  if (last !== undefined) yield last;
}

/** Undefined for a row of empty cells. */
function rowOf(record: CsvRecord, header: Header, columns: Columns): Row | undefined {
  const { line, cells, count, fault } = record;
  const { fields } = header;
  if (fault !== undefined) {
    const { place, message, isUnreadable } = fault;
    const faults = [{ line, column: labelOf(header, place), message }];
    return { is: isUnreadable ? 'unreadable' : 'faulty', line, faults };
  }
  if (record.isBlank) return undefined;
  const another = headerIn(record, header, columns);
  if (another !== undefined) return another;
  if (count !== fields.length) {
    return faulty(line, [{ line, message: `has ${count} columns, where the header has ${fields.length}` }]);
  }
  const data: Record<string, unknown> = {};
  const faults: Fault[] = [];
  for (const [index, cell] of cells.entries()) {
    const field = fields[index];
    if (field === undefined) continue;
    data[field] = cell;
    if (cell.includes(NOT_UTF8)) faults.push({ line, column: field, message: ENCODING_FAULT });
  }
  return faults.length > 0 ? faulty(line, faults) : { is: 'row', line, data };
}

function faulty(line: number, faults: Fault[]): BrokenRow {
  return { is: 'faulty', line, faults };
}

/** Enough for any header, in bytes. */
const HEAD_BYTES = 64 * 1024;

/** The first bytes, to look at, and all of them, to read. */
async function headOf(bytes: AsyncIterable<Buffer>) {
  const iterator = bytes[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  for (let size = 0; size < HEAD_BYTES;) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    chunks.push(value);
    size += value.length;
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* chunks;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head: Buffer.concat(chunks), all: all() };
}
