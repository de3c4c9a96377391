import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { NOT_UTF8, decoded } from '../../src/rows/decode.ts';

async function textOf(bytes: Buffer, pieceBytes: number): Promise<string> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
  }
  let text = '';
  for await (const piece of decoded(pieces())) text += piece;
  return text;
}

describe('UTF-8', () => {
  test.prop([
    fc.string({ unit: fc.constantFrom('a', 'ü', '€', '𝄞', '\uFFFD'), maxLength: 20 }),
    fc.integer({ min: 1, max: 9 }),
  ])('is decoded as it was written, however it is cut into pieces', async (text, pieceBytes) => {
    expect(await textOf(Buffer.from(text), pieceBytes)).toBe(text);
  });

  it.each([0, 1, 2, 3])(
    'is decoded in long pieces too, whose parts end within characters: %i',
    async (start) => {
      const text = 'a'.repeat(start) + '𝄞€ü'.repeat(3000);
      expect(await textOf(Buffer.from(text), 20_000)).toBe(text);
    },
  );

  it.each([
    ['a lone byte', [0x61, 0xff, 0x62], `a${NOT_UTF8}b`],
    ['half a character, before a replacement character', [0xc3, 0xef, 0xbf, 0xbd], `${NOT_UTF8}\uFFFD`],
    ['half a character at the end', [0x61, 0xf0, 0x9d, 0x84], `a${NOT_UTF8}`],
    ['a surrogate', [0xed, 0xa0, 0x80], NOT_UTF8.repeat(3)],
  ])('has bytes that are none marked: %s', async (_what, bytes, text) => {
    for (const pieceBytes of [1, 2, 100]) expect(await textOf(Buffer.from(bytes), pieceBytes)).toBe(text);
  });
});
