/**
 * At which line of a file a byte lies. Counted here, as csv-parse counts a line break of two characters within quotes twice.
 */
const CR = 13;
const LF = 10;

export interface LineCount {
  /** The next bytes of the file. */
  add(bytes: Buffer): void;
  /** How many line breaks lie before this offset. Offsets are asked for in ascending order. */
  breaksBefore(offset: number): number;
  /** The line, from 1, of the first byte from this offset on that is no line break. */
  lineOfTextFrom(offset: number): number;
}

export function createLineCount(): LineCount {
  const pending: Buffer[] = [];
  /** Where the first of `pending` begins. */
  let start = 0;
  let counted = 0;
  let breaks = 0;
  let isAfterCr = false;

  /** Goes on as long as `isMeant`; false where the bytes are at an end. */
  function advance(isMeant: (offset: number, byte: number) => boolean): void {
    for (let bytes = pending[0]; bytes !== undefined; bytes = pending[0]) {
      for (; counted - start < bytes.length; counted += 1) {
        const byte = bytes[counted - start] ?? 0;
        if (!isMeant(counted, byte)) return;
        if (byte === CR || (byte === LF && !isAfterCr)) breaks += 1;
        isAfterCr = byte === CR;
      }
      start += bytes.length;
      pending.shift();
    }
  }

  return {
    add: (bytes) => void pending.push(bytes),
    breaksBefore(offset) {
      advance((at) => at < offset);
      return breaks;
    },
    lineOfTextFrom(offset) {
      advance((at, byte) => at < offset || byte === CR || byte === LF);
      return breaks + 1;
    },
  };
}

/** How many line breaks a text has. */
export function breaksIn(text: string): number {
  if (!text.includes('\n') && !text.includes('\r')) return 0;
  return text.match(/\r\n?|\n/g)?.length ?? 0;
}
