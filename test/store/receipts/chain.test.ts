import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Receipt, partsToHash, signReceipt } from '../../../src/contract/receipt.ts';
import { luaJson } from '../../../src/redis/lua-json.ts';
import { linesOf, statement } from '../../receipts/deletions.ts';
import { key, verdictOn } from '../../receipts/verdict.ts';

const lua = readFileSync(new URL('../../../src/store/receipts/chain.lua', import.meta.url), 'utf8');
const base = `{test-${randomUUID()}}:receipts:`;
const INSTANCES = ['default', 'eu'];

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
});
afterAll(async () => {
  await redis.unlink(INSTANCES.map((instance) => base + instance));
  redis.disconnect();
});

const sha256InRedis = async (text: string) => redis.eval(`${lua}\nreturn sha256(ARGV[1])`, 0, text);

describe('the hash that Redis computes', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

  // Around the ends of its blocks of 64 bytes, of which the last 9 say how long it was.
  it.each([0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 1000, 70_000])(
    'is SHA-256 of %i bytes',
    async (length) => {
      const text = 'abcdefghi'.repeat(Math.ceil(length / 9)).slice(0, length);
      expect(await sha256InRedis(text)).toBe(sha256(text));
    },
  );

  test.prop([fc.string({ unit: 'binary', maxLength: 300 })])('is SHA-256 of any text', async (text) => {
    expect(await sha256InRedis(text)).toBe(sha256(text));
  });
});

describe('a chain', () => {
  const append = `${lua}\nreturn { appendReceipt(cjson.decode(ARGV[1])) }`;

  /** As the ledger has it appended and then signs it. */
  async function appended(said: Partial<Receipt>): Promise<Receipt> {
    const { sequence: _none, previous: _nor, ...rest } = { ...statement, ...said };
    const parts = partsToHash({ ...rest, keyId: key.keyId });
    const told = luaJson({ key: base + rest.instance, parts });
    const [sequence, previous] = (await redis.eval(append, 0, told)) as [string, string];
    return signReceipt({ ...rest, sequence: Number(sequence), previous }, key);
  }

  it('is one that can be verified: each receipt names the hash of the one before it', async () => {
    const receipts: Receipt[] = [];
    for (const [index, jobId] of [
      'j',
      'ü\u2028',
      '\u001f"\\',
      '\ud83d\ude00',
      'j2',
      '\ud83d',
      'j3',
    ].entries())
      receipts.push(
        await appended({
          instance: INSTANCES[index % 2] ?? '',
          jobId,
          ...(index > 2 && { correlationId: jobId, scheduledFor: statement.requestedAt }),
        }),
      );
    const headOf = (name: string) => receipts.findLast(({ instance }) => instance === name)?.hash;
    expect(await verdictOn(linesOf(receipts), { isComplete: true })).toEqual({
      receipts: 7,
      duplicates: 0,
      unsigned: 0,
      chains: [
        { instance: 'default', first: 1, last: 4, head: headOf('default') },
        { instance: 'eu', first: 1, last: 3, head: headOf('eu') },
      ],
    });
    expect(await redis.hgetall(`${base}default`)).toEqual({ sequence: '4', hash: headOf('default') });
  });

  it('goes on beyond what a double prints in full', async () => {
    await redis.hset(`${base}eu`, 'sequence', '1000000000000000', 'hash', 'a'.repeat(64));
    expect(await appended({ instance: 'eu' })).toMatchObject({
      sequence: 1_000_000_000_000_001,
      previous: 'a'.repeat(64),
    });
  });
});
