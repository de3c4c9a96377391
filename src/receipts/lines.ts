/**
 * Cuts bytes into lines. Only a line feed ends one: what other readers take for a line's end may stand inside JSON text.
 */

/** Above what any event takes, in bytes; a longer line is no receipt, and must not fill the memory. */
export const MAX_LINE_BYTES = 1024 * 1024;

const LINE_FEED = 0x0a;
/** How many lines are handed over at once. */
const BATCH = 512;

/** The lines in order, several at a time; after one that is longer than {@link MAX_LINE_BYTES} there is no further. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer[]> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let batch: Buffer[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      batch.push(bytes.subarray(start, end));
      start = end + 1;
      if (batch.length === BATCH) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
    rest = bytes.subarray(start);
    if (rest.length > MAX_LINE_BYTES) break;
  }
  if (rest.length > 0) yield [Buffer.from(rest)];
}
