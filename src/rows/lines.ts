/**
 * Reads a file as lines of text, each with its number and the fault of its bytes. Holds one line at a time.
 */
import { isUtf8 } from 'node:buffer';
import { cutLines } from './cut-lines.ts';

export interface Line {
  /** From 1. */
  number: number;
  /** Without its line feed and byte order mark, which each of several joined files may have. */
  text: string;
  fault?: string;
  /** The fault concerns the whole file, and this is its last line. */
  isLast?: true;
}

/** Maximum length of a line, in bytes: parsing takes several times as much memory. */
export const MOST_OF_LINE = 4 * 1024 * 1024;

/** By the first bytes of the file, in hex. */
const SIGNATURES: readonly (readonly [bytes: string, fault: string])[] = [
  ['1f8b', 'the file is compressed with gzip: unpack it first'],
  ['504b0304', 'the file is an Excel workbook or a zip archive: save it as CSV UTF-8, or unpack it'],
  ['d0cf11e0', 'the file is an Excel workbook: save it as CSV UTF-8'],
  ['fffe', 'the file is UTF-16: save it as UTF-8'],
  ['feff', 'the file is UTF-16: save it as UTF-8'],
];
const NOT_UTF8 = 'is not UTF-8: save the list as UTF-8, or convert it (iconv -f WINDOWS-1252 -t UTF-8)';
const NUL = 'has a NUL, a byte of zero: the file is UTF-16, damaged or not text. Export it again as UTF-8';
const TOO_LONG = `longer than ${MOST_OF_LINE} bytes`;

export async function* readLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 0;
  for await (const cut of cutLines(bytes, MOST_OF_LINE)) {
    number += 1;
    const line = lineOf(number, cut);
    yield line;
    if (line.isLast) return;
  }
}

function lineOf(number: number, bytes: Buffer): Line {
  const signature = number === 1 ? bytes.subarray(0, 4).toString('hex') : '';
  const fault = SIGNATURES.find(([begin]) => signature.startsWith(begin))?.[1];
  if (fault !== undefined) return { number, text: '', fault, isLast: true };
  if (bytes.length > MOST_OF_LINE) return { number, text: '', fault: TOO_LONG, isLast: true };
  const text = bytes.toString().replace(/^\uFEFF/, '');
  if (!isUtf8(bytes)) return { number, text, fault: NOT_UTF8 };
  return bytes.includes(0) ? { number, text, fault: NUL } : { number, text };
}
