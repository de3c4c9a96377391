import { describe, expect, it } from 'vitest';
import { cutLines } from '../../src/rows/cut-lines.ts';

/** The lines of these pieces as text. */
async function cut(pieces: readonly string[], mostBytes = 100): Promise<string[]> {
  async function* chunks() {
    for (const piece of pieces) yield Buffer.from(piece);
  }
  const lines = [];
  for await (const line of cutLines(chunks(), mostBytes)) lines.push(String(line));
  return lines;
}

describe('bytes', () => {
  it('are cut at each line feed and nowhere else, wherever they come in pieces', async () => {
    expect(await cut(['a\nb', 'c', '\n\nd\r\ne\u2028f'])).toEqual(['a', 'bc', '', 'd\r', 'e\u2028f']);
  });

  it('have an empty last line behind the last line feed', async () => {
    expect(await cut(['a\n'])).toEqual(['a', '']);
    expect(await cut([])).toEqual(['']);
  });

  it('are kept of a line that is too long only as far as shows it, and read on', async () => {
    expect(await cut(['ab', 'c'.repeat(30), 'd\nabc\n'], 3)).toEqual(['abcccc', 'abc', '']);
  });
});
