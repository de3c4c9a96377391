/**
 * Recognises by the first bytes of a file what is no list that can be read: another format, another encoding, or lines before the
 * header; and knows the command that makes a list of it.
 */
import type { Columns } from './columns.ts';
import { delimiterOf, namesIn } from './delimiter.ts';

export interface Recognised {
  /** What is to be said of the file, after its name. */
  is: string;
  /** Writes the list to its standard output, given the file as its last argument or its standard input. */
  command?: string;
  /** The format of that list; undefined: that of the file. */
  format?: 'csv' | 'ndjson';
  /** What else has to be said to read it. */
  delimiter?: string;
}

export interface RecogniseOptions {
  /** As somebody or the name of the file says it is. */
  format: 'csv' | 'ndjson' | undefined;
  delimiter: string | undefined;
  columns: Columns;
}

/** Enough for any header and what stands before it, in bytes. */
export const HEAD_BYTES = 64 * 1024;

const SAVE_AS = 'save it in the spreadsheet as CSV UTF-8';
const EXCEL: Recognised = {
  is: `is an Excel workbook: ${SAVE_AS}, or use csvkit`,
  command: 'in2csv -I',
  format: 'csv',
};
const UTF16 = 'is UTF-16, not UTF-8';
const UTF32 = 'is UTF-32, not UTF-8';

/** By the bytes that a file begins with, in hex; the first that fits counts. */
const SIGNATURES: readonly (readonly [string, Recognised])[] = [
  ['1f8b', { is: 'is compressed with gzip', command: 'gunzip -c' }],
  ['425a68', { is: 'is compressed with bzip2', command: 'bunzip2 -c' }],
  ['fd377a585a00', { is: 'is compressed with xz', command: 'xz -dc' }],
  ['28b52ffd', { is: 'is compressed with zstd', command: 'zstd -dc' }],
  ['d0cf11e0a1b11ae1', EXCEL],
  ['fffe0000', { is: UTF32, command: 'iconv -f UTF-32 -t UTF-8' }],
  ['0000feff', { is: UTF32, command: 'iconv -f UTF-32 -t UTF-8' }],
  ['fffe', { is: UTF16, command: 'iconv -f UTF-16 -t UTF-8' }],
  ['feff', { is: UTF16, command: 'iconv -f UTF-16 -t UTF-8' }],
];
const ZIP = '504b0304';

/** Undefined where the file may be what it is taken for. */
export function recognise(head: Buffer, options: RecogniseOptions): Recognised | undefined {
  const hex = head.subarray(0, 16).toString('hex');
  const signed = SIGNATURES.find(([signature]) => hex.startsWith(signature))?.[1];
  if (signed !== undefined) return signed;
  if (hex.startsWith(ZIP)) return zipIn(head);
  const text = head.toString().replace(/^\uFEFF/, '');
  return unmarkedUtf16(head) ?? markupIn(text) ?? jsonIn(text, options) ?? beforeHeader(text, options);
}

/** Its directory stands at the end, but each file in it has its name before it. */
function zipIn(head: Buffer): Recognised {
  const names = head.toString('latin1');
  if (/\[Content_Types\]\.xml|xl\//.test(names)) return EXCEL;
  if (names.includes('opendocument.spreadsheet')) return { is: `is a spreadsheet: ${SAVE_AS}` };
  return { is: 'is a zip archive', command: 'unzip -p' };
}

/** Of what is ASCII in it, a header at least, each second byte is zero, always the first or always the second. */
function unmarkedUtf16(head: Buffer): Recognised | undefined {
  const zeros = [0, 0];
  const bytes = head.subarray(0, 1024);
  for (const [at, byte] of bytes.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const isMost = (count: number, other: number) => count * 16 > bytes.length && other * 8 < count;
  if (isMost(odd, even)) return { is: UTF16, command: 'iconv -f UTF-16LE -t UTF-8' };
  return isMost(even, odd) ? { is: UTF16, command: 'iconv -f UTF-16BE -t UTF-8' } : undefined;
}

function markupIn(text: string): Recognised | undefined {
  if (/^\s*<(?:!doctype\s+html|html|head|body|table|meta)\b/i.test(text)) {
    const look = 'open it in a browser. If it asks for a login, log in and download the file again';
    return { is: `is HTML: ${look}; if it has a table, open it in a spreadsheet and save it as CSV UTF-8` };
  }
  return /^\s*<\?xml\b/i.test(text)
    ? { is: 'is XML: open it in a spreadsheet and save it as CSV UTF-8' }
    : undefined;
}

const EXPORTED = '(--from firebase and --from keycloak read what those export)';

function jsonIn(text: string, { format, columns }: RecogniseOptions): Recognised | undefined {
  // What a preset is for may be all of this.
  if (columns.preset !== undefined) return undefined;
  if (/^\s*\[\s*(?:\{|$)/.test(text)) {
    return { is: 'is a JSON array, not an object a line', command: "jq -c '.[]'", format: 'ndjson' };
  }
  if (/^\s*\{\s*"users"\s*:\s*\[|^\{\r?\n(?:.*\n)*?\s{1,4}"users"\s*:\s*\[/.test(text)) {
    return {
      is: `is a JSON object with a list of users ${EXPORTED}`,
      command: "jq -c '.users[]'",
      format: 'ndjson',
    };
  }
  if (/^\s*\{\s*?\n/.test(text)) {
    return {
      is: `is JSON over several lines, not an object a line ${EXPORTED}`,
      command: 'jq -c .',
      format: 'ndjson',
    };
  }
  const isJson = format !== 'ndjson' && /^\s*\{\s*"/.test(text);
  return isJson ? { is: 'is JSON, and no CSV. If it has an object a line, say --format ndjson' } : undefined;
}

/** A header is looked for in so many lines. */
const MOST_LINES = 30;

function beforeHeader(
  text: string,
  { format, delimiter, columns }: RecogniseOptions,
): Recognised | undefined {
  if (format === 'ndjson') return undefined;
  const separator = /^"?sep=(.)"?\r?\n/i.exec(text)?.[1];
  if (separator !== undefined) {
    const is = 'begins with a line for Excel (sep=)';
    return { is, command: 'tail -n +2', format: 'csv', delimiter: separator };
  }
  if (columns.preset?.headerless !== undefined) return undefined;
  const lines = text.split('\n').slice(0, MOST_LINES);
  const first = lines.findIndex((line) => line.trim() !== '');
  const isKnown = (name: string) => columns.isKnown(name);
  const isHeader = (names: string[]) =>
    names.filter(isKnown).length >= 2 || names.every((name) => name !== '' && isKnown(name));
  const found = lines.map((line) => namesIn(line, delimiter ?? delimiterOf(line, columns)));
  const header = found.findIndex(isHeader);
  if (header <= first || found[first]?.some(isKnown) === true) return undefined;
  return { is: `has its header in line ${header + 1}`, command: `tail -n +${header + 1}`, format: 'csv' };
}
