/**
 * Reads a CSV as rows. csv-parse tells records and cells apart; this knows the header, where a fault stands, and after which
 * faults the rest means nothing.
 */
import { type CsvError, Parser } from 'csv-parse';
import type { ColumnMap } from './columns.ts';
import { delimiterOf } from './delimiter.ts';
import { type Header, headerOf, labelOf } from './header.ts';
import { breaksIn, createLineCount } from './line-count.ts';
import { type BrokenRow, type Fault, MOST_OF_ROW, type Row, unreadable } from './row.ts';

export interface CsvOptions {
  /** Default: the one that makes sense of the header. */
  delimiter?: string | undefined;
  map?: ColumnMap | undefined;
}

/** Ends with the first row that is unreadable. */
export async function* csvRows(bytes: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<Row> {
  const { head, all } = await headOf(bytes);
  if (UTF16.some((mark) => head.subarray(0, mark.length).equals(mark))) {
    yield unreadable(1, 'the file is UTF-16: save it as UTF-8');
    return;
  }
  const { map } = options;
  const records = recordsOf(all, options.delimiter ?? delimiterOf(head.toString(), map));
  let header: Header | undefined;
  for await (const record of records) {
    if ('faults' in record) {
      // Without its header nothing of the file can be told.
      yield header === undefined
        ? { ...record, is: 'unreadable' }
        : { ...record, faults: named(record, header) };
      if (header === undefined) return;
      continue;
    }
    const { line, cells } = record;
    if (header !== undefined) {
      if (cells.some((cell) => cell.trim() !== '')) yield rowOf(line, cells, header);
      continue;
    }
    const read = headerOf(line, cells, map);
    if ('faults' in read) {
      yield read;
      return;
    }
    header = read.header;
  }
  if (header === undefined) yield unreadable(1, 'the file is empty: its first line names the columns');
}

const UTF16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

function rowOf(line: number, cells: readonly string[], header: Header): Row {
  if (cells.length !== header.length) {
    const message = `has ${cells.length} columns, where the header has ${header.length}`;
    return { is: 'faulty', line, faults: [{ line, message }] };
  }
  const data: Record<string, unknown> = {};
  const faults: Fault[] = [];
  for (const [index, cell] of cells.entries()) {
    const field = header[index];
    if (field === undefined) continue;
    data[field] = cell;
    // What bytes that are no UTF-8 are read as.
    if (cell.includes('\uFFFD')) faults.push({ line, column: field, message: 'is not UTF-8' });
  }
  return faults.length > 0 ? { is: 'faulty', line, faults } : { is: 'row', line, data };
}

type Broken = BrokenRow & { column: number };
type CsvRecord = { line: number; cells: string[] } | Broken;

function named({ faults, column }: Broken, header: Header): Fault[] {
  return faults.map((fault) => ({ ...fault, column: labelOf(header, column) }));
}

/** Records with the line that each begins at; ends with the first that is unreadable. */
async function* recordsOf(bytes: AsyncIterable<Buffer>, delimiter: string): AsyncGenerator<CsvRecord> {
  const lines = createLineCount();
  let found: CsvRecord[] = [];
  let brokenLine: number | undefined;
  const parser = new Parser({
    bom: true,
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MOST_OF_ROW,
    on_record: (cells: string[], { bytes: end }) => {
      // Every record ends with its line break: those before it are the ones of earlier lines and those within its quotes.
      const line = lines.breaksBefore(end) - cells.reduce((sum, cell) => sum + breaksIn(cell), 0);
      found.push({ line, cells });
      // Nothing is handed on through the stream: the line is known only here.
      return null;
    },
    on_skip: (error) => {
      if (error === undefined) return undefined;
      const broken = brokenOf(error, lines.lineOfTextFrom(Number(error['bytes'])));
      // One is told of a row, however many quotes it has.
      if (broken.is === 'unreadable' || broken.line !== brokenLine) found.push(broken);
      brokenLine = broken.line;
      if (broken.is === 'unreadable') throw error;
      return undefined;
    },
  });
  // What stops it is among the records.
  parser.on('error', () => {});
  const write = (chunk: Buffer) => new Promise<void>((done) => void parser.write(chunk, () => done()));
  for await (const chunk of bytes) {
    lines.add(chunk);
    await write(chunk);
    yield* found;
    if (parser.destroyed) return;
    found = [];
  }
  // The last row may have no line break. One too many is an empty line.
  lines.add(BREAK);
  await write(BREAK);
  if (!parser.destroyed) await new Promise<void>((done) => void parser.end(() => done()));
  yield* found;
}

const BREAK = Buffer.from('\n');

function brokenOf({ code, ...context }: CsvError, line: number): Broken {
  const [is, message] = FAULTS[code] ?? ['unreadable', `no CSV (${code})`];
  return { is, line, column: Number(context['column']), faults: [{ line, message }] };
}

/** After a quote that is out of place nobody knows which line breaks are within quotes. */
const FAULTS: Partial<Record<CsvError['code'], [BrokenRow['is'], string]>> = {
  INVALID_OPENING_QUOTE: [
    'faulty',
    'a quote in a cell that does not begin with one: put the cell into quotes, and double those within',
  ],
  CSV_INVALID_CLOSING_QUOTE: ['unreadable', 'text after the closing quote: those within are to be doubled'],
  CSV_QUOTE_NOT_CLOSED: ['unreadable', 'the quote that opens here is never closed'],
  CSV_MAX_RECORD_SIZE: ['unreadable', `longer than ${MOST_OF_ROW} characters: is a quote not closed?`],
};

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
