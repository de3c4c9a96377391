import { describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES, linesOf } from '../../src/receipts/lines.ts';

/** The lines of these pieces as text, batch by batch, and how many pieces were read for them. */
async function cut(pieces: readonly string[]) {
  let read = 0;
  async function* chunks() {
    for (const piece of pieces) {
      read += 1;
      yield Buffer.from(piece);
    }
  }
  const batches = [];
  for await (const batch of linesOf(chunks())) batches.push(batch.map(String));
  return { batches, lines: batches.flat(), read };
}

describe('bytes', () => {
  it('are cut at each line feed and nowhere else, wherever they come in pieces', async () => {
    const { lines } = await cut(['a\nb', 'c', '\n\nd\r\ne\u2028f\n']);
    expect(lines).toEqual(['a', 'bc', '', 'd\r', 'e\u2028f']);
  });

  it('have a last line also without a line feed', async () => {
    expect((await cut(['a\nb'])).lines).toEqual(['a', 'b']);
    expect((await cut(['a\n'])).lines).toEqual(['a']);
    expect((await cut([])).lines).toEqual([]);
  });

  it('are handed over at most 512 lines at once, and never none', async () => {
    const { batches } = await cut(['x\n'.repeat(1024), 'x\n', 'x']);
    expect(batches.map((batch) => batch.length)).toEqual([512, 512, 1, 1]);
  });

  it('are read no further once a line is longer than any may be', async () => {
    const eighth = 'x'.repeat(MAX_LINE_BYTES / 8);
    const { lines, read } = await cut(['a\n', ...Array.from({ length: 20 }, () => eighth), '\nb\n']);
    expect(lines).toEqual(['a', eighth.repeat(9)]);
    expect(read).toBe(1 + 9);
  });

  it('are read on after a line that is as long as one may be', async () => {
    const longest = 'x'.repeat(MAX_LINE_BYTES);
    const { lines } = await cut([longest, '\nb\n']);
    expect(lines.map((line) => line.length)).toEqual([MAX_LINE_BYTES, 1]);
  });
});
