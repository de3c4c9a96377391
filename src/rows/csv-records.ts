/**
 * Splits the lines of a CSV into records (RFC 4180), each with its first line number. Knows no header.
 */
import { type Line, MOST_OF_LINE } from './lines.ts';

export interface CsvRecord {
  line: number;
  cells: readonly string[];
  fault?: string | undefined;
  /** The rest of the file cannot be parsed. */
  isLast?: boolean;
}

/** @param detectDelimiter returns the delimiter for the first line that is not empty. */
export async function* csvRecords(
  lines: AsyncIterable<Line>,
  detectDelimiter: (first: string) => string,
): AsyncGenerator<CsvRecord> {
  let delimiter: string | undefined;
  let begun: Line | undefined;
  for await (const line of lines) {
    const isOpen = begun !== undefined;
    begun = begun === undefined ? line : joined(begun, line);
    if (begun.isLast) break;
    // An odd number of quotes: one of them closes in a later line.
    if (hasOddQuotes(line.text) !== isOpen) continue;
    const { number, fault } = begun;
    const text = withoutReturns(begun.text);
    begun = undefined;
    if (text === '' && fault === undefined) continue;
    delimiter ??= detectDelimiter(text);
    const cells = splitCells(text, delimiter);
    if (cells === undefined) return yield ended(number, MISPLACED);
    yield { line: number, cells, fault };
  }
  if (begun !== undefined) yield ended(begun.number, begun.isLast ? begun.fault : UNCLOSED);
}

const MISPLACED = 'a misplaced quote: put the whole cell in quotes, and double the quotes inside';
const UNCLOSED = 'the quote that opens here is never closed';

function withoutReturns(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\r') end -= 1;
  return text.slice(0, end);
}

function ended(line: number, fault: string | undefined): CsvRecord {
  return { line, cells: [], fault, isLast: true };
}

function joined(before: Line, line: Line): Line {
  const text = `${before.text}\n${line.text}`;
  const isTooLong = text.length > MOST_OF_LINE;
  const fault = isTooLong
    ? `${UNCLOSED}, or its row is longer than ${MOST_OF_LINE}`
    : (before.fault ?? line.fault);
  return {
    number: before.number,
    text,
    ...(fault !== undefined && { fault }),
    ...((isTooLong || line.isLast) && { isLast: true }),
  };
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) isOdd = !isOdd;
  return isOdd;
}

/** Undefined if there is a quote in an unquoted cell, or text after a quoted one. */
function splitCells(text: string, delimiter: string): string[] | undefined {
  if (!text.includes('"')) return text.split(delimiter);
  const cells: string[] = [];
  for (let from = 0; ;) {
    const isQuoted = text[from] === '"';
    const end = isQuoted ? endOfQuoted(text, from) : text.indexOf(delimiter, from);
    const cell = text.slice(from, end === -1 ? undefined : end);
    if (isQuoted) cells.push(cell.slice(1, -1).replaceAll('""', '"'));
    else if (cell.includes('"')) return undefined;
    else cells.push(cell);
    if (end === -1 || end === text.length) return cells;
    if (text[end] !== delimiter) return undefined;
    from = end + 1;
  }
}

/** The place after the quote that closes the one at this place. */
function endOfQuoted(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote + 1;
}
