/**
 * Splits the text of a CSV into records (RFC 4180), each with its line. Keeps of a record, however long it is, no more than the
 * cells that are wanted and MOST_OF_ROW characters. Knows no header.
 */
import { NUL_FAULT } from './decode.ts';
import { MOST_OF_ROW } from './row.ts';

export interface CsvRecord {
  /** Where it begins, from 1; of one that is unreadable, where the quote opens. */
  line: number;
  /** An empty text for a column that is not wanted. */
  cells: readonly string[];
  /** How many cells there are, wanted or not. */
  count: number;
  /** No cell has anything but blanks. */
  isBlank: boolean;
  /** The first one. */
  fault?: CsvFault;
}

export interface CsvFault {
  /** Of the cell, from 0. */
  place: number;
  message: string;
  /** Nothing that follows can be told apart. */
  isUnreadable: boolean;
}

const [QUOTE, CR, LF, BYTE_ORDER_MARK] = [34, 13, 10, 0xfeff];

export class CsvRecords {
  readonly #delimiter: number;
  #wanted: readonly boolean[] | undefined;
  #state: 'cell begins' | 'plain' | 'quoted' | 'quote closed' = 'cell begins';
  #line = 1;
  #quoteLine = 1;
  #isAfterCr = false;
  #cell = '';
  #isCellBlank = true;
  /** The quote that opens this cell has blanks before it. */
  #isLoose = false;
  #size = 0;
  #record = recordAt(1);

  /** @param delimiter one character. */
  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** From now on only the cells of these columns are kept, by their places; all are, until this is called. */
  keepOnly(wanted: readonly boolean[]): void {
    this.#wanted = wanted;
  }

  /** The records that end in the next piece of the text; after one that is unreadable nothing is to be read. */
  *read(text: string): Generator<CsvRecord> {
    for (let at = 0; at < text.length;) {
      const code = text.charCodeAt(at);
      if (this.#state === 'quoted') at = this.#takeQuoted(text, at);
      // Where files were joined each may begin with one.
      else if (code === BYTE_ORDER_MARK && this.#isAtBeginning()) at += 1;
      else if (this.#isPlain(code)) at = this.#takePlain(text, at);
      else {
        at += 1;
        if (code === this.#delimiter) this.#endCell();
        else if (code === QUOTE) this.#takeQuote();
        else if (code !== CR && code !== LF) yield this.#unreadable(this.#textAfterQuote());
        else if (code === CR || !this.#isAfterCr) {
          const record = this.#endLine();
          if (record !== undefined) yield record;
        }
        this.#isAfterCr = code === CR;
      }
    }
  }

  /** The record that no line break ends. */
  end(): CsvRecord | undefined {
    if (this.#state === 'quoted') return this.#unreadable('the quote that opens here is never closed');
    return this.#endLine();
  }

  #isAtBeginning(): boolean {
    return this.#state === 'cell begins' && this.#record.count === 0;
  }

  #isPlain(code: number): boolean {
    if (code === this.#delimiter || code === CR || code === LF) return false;
    if (this.#state === 'plain') return true;
    return code !== QUOTE && (this.#state === 'cell begins' || this.#isLoose);
  }

  /** Up to what may end the cell. */
  #takePlain(text: string, from: number): number {
    this.#state = 'plain';
    this.#isAfterCr = false;
    let end = from;
    for (; end < text.length; end += 1) {
      const code = text.charCodeAt(end);
      if (code === this.#delimiter || code === QUOTE || code === CR || code === LF) break;
    }
    this.#take(text.slice(from, end));
    if (text.charCodeAt(end) !== QUOTE) return end;
    if (this.#isCellBlank) {
      this.#fault('blanks before the quote that opens the cell: remove them');
      this.#open();
      this.#isLoose = true;
    } else {
      this.#fault(
        'a quote in a cell that does not begin with one: put the cell into quotes, and double those within',
      );
      this.#take('"');
    }
    return end + 1;
  }

  /** Up to the next quote, and that one. */
  #takeQuoted(text: string, from: number): number {
    const quote = text.indexOf('"', from);
    if (this.#isLoose) return this.#takeLoose(text, from, quote);
    const taken = text.slice(from, quote === -1 ? text.length : quote);
    const isHalf = this.#isAfterCr && taken.startsWith('\n');
    this.#line += breaksIn(taken) - (isHalf ? 1 : 0);
    this.#isAfterCr = quote === -1 && (taken === '' ? this.#isAfterCr : taken.endsWith('\r'));
    this.#take(taken);
    if (quote !== -1) this.#state = 'quote closed';
    return from + taken.length + (quote === -1 ? 0 : 1);
  }

  /** Behind blanks nobody knows whether a quote opens a cell of several lines. */
  #takeLoose(text: string, from: number, quote: number): number {
    const until = text.slice(from, quote === -1 ? text.length : quote);
    const taken = /^[^\r\n]*/.exec(until)?.[0] ?? '';
    this.#take(taken);
    const hasBreak = taken.length < until.length;
    if (hasBreak && this.#record.fault !== undefined) this.#record.fault.isUnreadable = true;
    if (hasBreak) this.#state = 'plain';
    else if (quote !== -1) this.#state = 'quote closed';
    return from + taken.length + (hasBreak || quote === -1 ? 0 : 1);
  }

  /** One that opens a cell, or the second of two that stand for one. */
  #takeQuote(): void {
    if (this.#state === 'quote closed') {
      this.#take('"');
      this.#state = 'quoted';
    } else this.#open();
  }

  #open(): void {
    this.#cell = '';
    this.#state = 'quoted';
    this.#quoteLine = this.#line;
  }

  #take(text: string): void {
    if (this.#isCellBlank && /\S/.test(text)) this.#isCellBlank = this.#record.isBlank = false;
    if (this.#wanted !== undefined && this.#wanted[this.#record.count] !== true) return;
    if (text.includes('\0')) this.#fault(NUL_FAULT);
    this.#size += text.length;
    if (this.#size <= MOST_OF_ROW) this.#cell += text;
  }

  #endCell(): void {
    const { cells, count } = this.#record;
    // Without a header yet, an empty cell takes its room as well.
    if (this.#wanted === undefined) this.#size += 1;
    if (this.#size > MOST_OF_ROW) this.#fault(`longer than ${MOST_OF_ROW} characters`);
    else if (count < (this.#wanted?.length ?? Infinity)) cells.push(this.#cell);
    this.#record.count += 1;
    this.#cell = '';
    this.#isCellBlank = true;
    this.#isLoose = false;
    this.#state = 'cell begins';
  }

  /** Undefined for an empty line. */
  #endLine(): CsvRecord | undefined {
    const isEmpty = this.#isAtBeginning();
    if (!isEmpty) this.#endCell();
    const record = this.#record;
    this.#line += 1;
    this.#size = 0;
    this.#record = recordAt(this.#line);
    return isEmpty ? undefined : record;
  }

  #fault(message: string): void {
    this.#record.fault ??= { place: this.#record.count, message, isUnreadable: false };
  }

  #unreadable(message: string): CsvRecord {
    const fault = { place: this.#record.count, message, isUnreadable: true };
    return { ...this.#record, line: this.#quoteLine, fault };
  }

  #textAfterQuote(): string {
    const where = this.#line === this.#quoteLine ? '' : ` in line ${this.#line}`;
    return `text after the closing quote${where}: those within are to be doubled`;
  }
}

function recordAt(line: number): CsvRecord & { cells: string[] } {
  return { line, cells: [], count: 0, isBlank: true };
}

/** How many line breaks a text has. */
function breaksIn(text: string): number {
  if (!text.includes('\n') && !text.includes('\r')) return 0;
  return text.match(/\r\n?|\n/g)?.length ?? 0;
}
