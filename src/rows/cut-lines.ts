/**
 * Cuts bytes into lines. Only a line feed ends one: other line separators may occur inside JSON text.
 */

const LINE_FEED = 10;

/** Each line without its line feed; a line over the limit is cut just above it. */
export async function* cutLines(bytes: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<Buffer> {
  let begun: Uint8Array[] = [];
  let size = 0;
  const keep = (part: Uint8Array) => {
    if (size <= mostBytes) begun.push(part.subarray(0, mostBytes + 1));
    size += part.length;
  };
  for await (const chunk of bytes) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      keep(chunk.subarray(from, end));
      yield Buffer.concat(begun);
      [begun, size, from] = [[], 0, end + 1];
    }
    keep(chunk.subarray(from));
  }
  yield Buffer.concat(begun);
}
