/**
 * Decodes UTF-8 in pieces. Each byte that is not UTF-8 becomes a lone surrogate, which UTF-8 cannot encode, so that a U+FFFD that
 * the file really has is not taken for such a byte.
 */
import { isUtf8 } from 'node:buffer';

/** Stands for bytes that are not UTF-8. */
export const NOT_UTF8 = '\uDFFF';

/** What is said of them: in nearly all files that people have they are letters of Windows. */
export const ENCODING_FAULT =
  'is not UTF-8: save the list as UTF-8, or convert it (iconv -f WINDOWS-1252 -t UTF-8)';

/** What is said of a byte of zero. */
export const NUL_FAULT =
  'has a NUL, a byte of zero: the file is damaged, or no text. Export it again, as UTF-8';

/** V8 keeps the whole text as long as one cell cut from it is kept: in pieces of 64 KiB a million rows took 28 MB more. */
const MOST_BYTES = 4096;

export async function* decoded(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const piece of bytes) {
    const all = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let from = 0;
    for (;;) {
      const end = from + endOfWhole(all.subarray(from, from + MOST_BYTES));
      if (end === from) break;
      yield textOf(all.subarray(from, end));
      from = end;
    }
    rest = Buffer.from(all.subarray(from));
  }
  yield textOf(rest);
}

const REPLACEMENT = '\uFFFD';
const REPLACEMENT_BYTES = Buffer.from(REPLACEMENT).toString('latin1');

function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  const parts = bytes.toString('latin1').split(REPLACEMENT_BYTES);
  const texts = parts.map((part) => Buffer.from(part, 'latin1').toString().replaceAll(REPLACEMENT, NOT_UTF8));
  return texts.join(REPLACEMENT);
}

/** Where the last whole character ends. */
function endOfWhole(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue;
    const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return size > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
