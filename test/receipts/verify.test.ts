import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Receipt, signReceipt } from '../../src/contract/receipt.ts';
import { eventWith, linesOf, receiptsOf } from './deletions.ts';
import { key, verdictOn } from './verdict.ts';

const INSTANCES = ['default', 'eu'];

/** The line in which a byte lies; a line feed belongs to the line that it ends. */
function lineAt(bytes: Buffer, position: number): number {
  return bytes.subarray(0, position).filter((byte) => byte === LINE_FEED).length + 1;
}
const LINE_FEED = 0x0a;

/** Flips one byte, and returns its place. */
function flip(bytes: Buffer, position: number, mask: number): { flipped: Buffer; line: number } {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(position) ^ mask, position);
  const line = lineAt(bytes, position);
  // The line becomes an empty one, which says nothing, and another that lacks its first byte.
  const isBegun = position === 0 || bytes[position - 1] === LINE_FEED;
  return { flipped, line: isBegun && flipped[position] === LINE_FEED ? line + 1 : line };
}

describe.each([
  { count: 3_000, tags: [] },
  { count: 100_000, tags: ['slow'] },
])('$count receipts', ({ count, tags }) => {
  const options = { tags };
  let receipts: Receipt[];
  let lines: string[];
  beforeAll(() => {
    receipts = receiptsOf(count, ['default', 'default', 'eu'], key);
    lines = linesOf(receipts);
  }, 180_000);

  it('that nobody touched are intact', options, async () => {
    const ofEu = Math.floor(count / 3);
    const headOf = (name: string) => receipts.findLast(({ instance }) => instance === name)?.hash;
    expect(await verdictOn(lines, { isComplete: true })).toEqual({
      receipts: count,
      duplicates: 0,
      unsigned: 0,
      chains: [
        { instance: 'default', first: 1, last: count - ofEu, head: headOf('default') },
        { instance: 'eu', first: 1, last: ofEu, head: headOf('eu') },
      ],
    });
  });

  it.each([0, 0.02, 0.34])('show a flipped byte, with %d of the lines before it', options, async (share) => {
    const line = 1 + Math.floor(share * count);
    const bytes = Buffer.from(lines.join(''));
    const position = Buffer.byteLength(lines.slice(0, line - 1).join('')) + (line % 500);
    const { flipped } = flip(bytes, position, 1);
    expect((await verdictOn(flipped)).broken).toMatchObject({ line });
  });

  it('show that two changed places', options, async () => {
    const index = Math.floor(count / 15) * 3;
    const [one = '', other = ''] = lines.slice(index);
    const { broken } = await verdictOn(lines.with(index, other).with(index + 1, one));
    expect(broken).toMatchObject({ line: index + 1, ...placeOf(receipts[index + 1]) });
  });

  it('show that one is missing', options, async () => {
    const index = Math.floor(count / 10) * 3;
    const { broken } = await verdictOn(lines.toSpliced(index, 1));
    const [missing, next] = [receipts[index], receipts[index + 1]];
    expect(missing?.instance).toBe(next?.instance);
    expect(broken).toMatchObject({
      line: index + 1,
      ...placeOf(next),
      fault: `sequence ${missing?.sequence} is missing before it`,
    });
  });
});

function placeOf(receipt: Receipt | undefined) {
  return { instance: receipt?.instance, sequence: receipt?.sequence };
}

describe('a flipped byte', () => {
  const bytes = Buffer.from(linesOf(receiptsOf(24, INSTANCES, key)).join(''));

  describe.each([
    { numRuns: 250, tags: [] },
    { numRuns: 1000, tags: ['slow'] },
  ])('at $numRuns places', ({ numRuns, tags }) => {
    describe('each', { tags }, () => {
      test.prop([fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 })], { numRuns })(
        'is found, in its line',
        async (position, mask) => {
          const { flipped, line } = flip(bytes, position, mask);
          const { broken } = await verdictOn(flipped);
          // What came before says nothing wrong, and what comes after is not looked at.
          expect(broken?.line).toBe(line);
        },
      );
    });
  });

  const events = linesOf(receiptsOf(4, ['default'], key).map(eventWith));
  const ofEvents = Buffer.from(events.join(''));
  const [begin, end] = [ofEvents.indexOf('"receipt":'), ofEvents.indexOf('\n')];
  test.prop([fc.integer({ min: begin, max: end }), fc.integer({ min: 1, max: 255 })], { numRuns: 300 })(
    'in the receipt of an event is found',
    async (position, mask) => {
      expect((await verdictOn(flip(ofEvents, position, mask).flipped)).broken?.line).toBe(1);
    },
  );
});

describe('a chain', () => {
  const COUNT = 30;
  const receipts = receiptsOf(COUNT, INSTANCES, key);
  const lines = linesOf(receipts);
  const indexes = fc.nat({ max: COUNT - 1 });

  test.prop([fc.integer({ min: 1, max: 2000 })])('is intact however its bytes come', async (pieceBytes) => {
    const verdict = await verdictOn(lines, {}, pieceBytes);
    expect(verdict).toMatchObject({ receipts: COUNT });
    expect(verdict.broken).toBeUndefined();
  });

  it('is intact without its last line feed', async () => {
    expect((await verdictOn(lines.join('').trimEnd())).broken).toBeUndefined();
  });

  test.prop([indexes])('shows which receipt is missing', async (index) => {
    const { broken } = await verdictOn(lines.toSpliced(index, 1), { isComplete: true });
    const missing = receipts[index];
    const next = receipts[index + INSTANCES.length];
    if (next === undefined) {
      // Nothing follows it in its chain: only a known head reveals that it is missing.
      expect(broken).toBeUndefined();
      const head = { instance: missing?.instance ?? '', hash: missing?.hash ?? '' };
      const { broken: atEnd } = await verdictOn(lines.toSpliced(index, 1), { heads: [head] });
      expect(atEnd).toMatchObject({ instance: head.instance, sequence: (missing?.sequence ?? 0) - 1 });
      expect(atEnd).not.toHaveProperty('line');
      return;
    }
    expect(broken).toMatchObject({
      line: index + INSTANCES.length,
      instance: missing?.instance,
      sequence: next.sequence,
      fault: `sequence ${missing?.sequence} is missing before it`,
    });
  });

  test.prop([indexes, indexes])('shows that two receipts changed places', async (a, b) => {
    const [first, second] = [Math.min(a, b), Math.max(a, b)];
    const swapped = lines.with(first, lines[second] ?? '').with(second, lines[first] ?? '');
    const { broken } = await verdictOn(swapped, { isComplete: true });
    const moved = receipts.with(first, receipts[second] as Receipt).with(second, receipts[first] as Receipt);
    const firstWrong = moved.findIndex(
      (receipt, index) =>
        receipt.sequence !==
        moved.slice(0, index).filter(({ instance }) => instance === receipt.instance).length + 1,
    );
    // Neighbours of different instances keep the order of each chain.
    if (firstWrong < 0) expect(broken).toBeUndefined();
    else expect(broken).toMatchObject({ line: firstWrong + 1, sequence: moved[firstWrong]?.sequence });
  });

  test.prop([indexes, indexes])('takes a receipt that was delivered twice', async (index, later) => {
    const at = Math.max(index, later) + 1;
    const verdict = await verdictOn(lines.toSpliced(at, 0, lines[index] ?? ''));
    expect(verdict).toMatchObject({ receipts: COUNT, duplicates: 1 });
    expect(verdict).not.toHaveProperty('broken');
  });

  it('has one receipt for each sequence, however well the other is signed', async () => {
    const [, , receipt] = receipts;
    const { hash: _h, signature: _s, keyId: _k, ...statement } = receipt as Receipt;
    const [other = ''] = linesOf([signReceipt({ ...statement, existed: false }, key)]);
    expect((await verdictOn(lines.toSpliced(10, 0, other))).broken).toMatchObject({
      line: 11,
      sequence: receipt?.sequence,
      fault: 'an earlier receipt has this sequence and other content',
    });
    const replaced = await verdictOn(lines.with(2, other));
    // It follows the one before it; the one after does not follow it.
    expect(replaced.broken).toMatchObject({
      line: 5,
      sequence: (receipt?.sequence ?? 0) + 1,
      fault: `does not follow the receipt with sequence ${receipt?.sequence}`,
    });
  });

  it('may begin anywhere, and says where, unless it is to be complete', async () => {
    const excerpt = lines.slice(10);
    expect(await verdictOn(excerpt)).toMatchObject({
      chains: [
        { instance: 'default', first: 6 },
        { instance: 'eu', first: 6 },
      ],
    });
    expect((await verdictOn(excerpt)).broken).toBeUndefined();
    expect((await verdictOn(excerpt, { isComplete: true })).broken).toMatchObject({
      line: 1,
      sequence: 6,
      fault: 'sequences 1 to 5 are missing before it',
    });
  });

  it('holds a head that was its end once, also where it has grown since', async () => {
    const heads = [receipts[9], receipts.at(-1)].map((r) => ({
      instance: r?.instance ?? '',
      hash: r?.hash ?? '',
    }));
    expect((await verdictOn(lines, { heads })).broken).toBeUndefined();
    const ofNobody = [{ instance: 'us', hash: receipts[0]?.hash ?? '' }];
    expect((await verdictOn(lines, { heads: ofNobody })).broken).toMatchObject({ instance: 'us' });
  });
});
