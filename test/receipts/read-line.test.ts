import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/contract/receipt.ts';
import { MAX_LINE_BYTES } from '../../src/receipts/read-line.ts';
import { eventWith, linesOf, receiptsOf } from './deletions.ts';
import { key, verdictOn } from './verdict.ts';

const LINE_FEED = 0x0a;

describe('a line', () => {
  const receipts = receiptsOf(2, ['default'], key);
  const [first = '', second = ''] = linesOf(receipts);
  const event = eventWith(receipts[1] as Receipt);

  it('may be the event that brings the receipt', async () => {
    const verdict = await verdictOn([first, ...linesOf([event])]);
    expect(verdict).toMatchObject({ receipts: 2 });
    expect(verdict).not.toHaveProperty('broken');
  });

  it.each<[string, string, string]>([
    ['is not JSON', 'not JSON', '{"version":1\n'],
    ['has the wrong hash', 'the hash does not match', second.replace('"existed":true', '"existed":false')],
    ['has an unknown name', 'unknown name', second.replace('{', '{"reason":"x",')],
    ['has a duplicate name', 'a duplicate name', second.replace('{', '{"existed":false,')],
    ['is spelt otherwise', 'compact JSON', second.replace('{', '{ ')],
    ['is something else', 'neither', '{"hello":1}\n'],
    ['is a list', 'neither', '[]\n'],
    ['is null', 'neither', 'null\n'],
    ['is a number', 'event: it is not valid', '7\n'],
    ['has a wrong value', 'event: sequence is not valid', second.replace('"sequence":2', '"sequence":"2"')],
    ['begins with a byte order mark', 'not JSON', `\ufeff${second}`],
    ['is as long as one may be', 'not JSON', `${' '.repeat(MAX_LINE_BYTES)}\n`],
    ['is longer than any receipt', 'longer than', `${' '.repeat(MAX_LINE_BYTES + 1)}\n`],
    ['is nested deeply', 'nested more deeply', `${'['.repeat(20_000)}${']'.repeat(20_000)}\n`],
    ['has no end', 'longer than', ' '.repeat(3 * 1024 * 1024)],
  ])('that %s is the broken one', async (_what, fault, line) => {
    expect((await verdictOn([first, line])).broken).toMatchObject({
      line: 2,
      fault: expect.stringContaining(fault),
    });
  });

  it('that is not UTF-8 is the broken one', async () => {
    const bytes = Buffer.concat([Buffer.from(first), Buffer.from([0xff, LINE_FEED])]);
    expect((await verdictOn(bytes)).broken).toMatchObject({ line: 2, fault: 'is not UTF-8' });
  });

  const otherwise = {
    userId: '1e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f',
    instance: 'eu',
    jobId: '7',
    correlationId: 'r',
    existed: false,
    verified: false,
  };
  it.each<[string, object]>([
    ['subject', { ...event, subject: '1e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f' }],
    ['id', { ...event, id: 'another/1795878932453/user.deleted' }],
    ['id', { ...event, id: event.id.replace(/\d+(?=\/[^/]*$)/, 'x') }],
    ['id', { ...event, id: `1${event.id}` }],
    ...Object.entries(otherwise).map(([name, value]): [string, object] => [
      name,
      { ...event, data: { ...event.data, [name]: value } },
    ]),
  ])('whose event has another %s than its receipt is the broken one', async (name, changed) => {
    expect((await verdictOn([first, ...linesOf([changed])])).broken).toMatchObject({
      line: 2,
      sequence: 2,
      fault: `the event's ${name} does not fit the receipt`,
    });
  });

  it('whose event has no receipt, or is no deletion, is the broken one', async () => {
    const { receipt: _, ...data } = event.data as { receipt: Receipt };
    expect((await verdictOn(linesOf([{ ...event, data }]))).broken?.fault).toContain('without a receipt');
    const unreadable = { ...event, type: 'user.updated', data: { userId: 'x' } };
    expect((await verdictOn(linesOf([unreadable]))).broken?.fault).toContain('neither');
    const { userId = '', instance, jobId } = event.data;
    const updated = { ...event, type: 'user.updated', data: { userId, instance, jobId, changed: ['phone'] } };
    expect((await verdictOn(linesOf([updated]))).broken?.fault).toBe(
      'is a user.updated event, not user.deleted',
    );
  });

  it.each(['', '\n\n'])('must be there: a file of %j proves nothing', async (content) => {
    expect((await verdictOn(content)).broken).toEqual({ fault: 'there is no receipt' });
  });
});
