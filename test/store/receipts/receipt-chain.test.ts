import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Receipt, signReceipt } from '../../../src/contract/receipt.ts';
import { luaJson } from '../../../src/redis/lua-json.ts';
import { type NextReceipt, chainKey, createReceiptChain } from '../../../src/store/receipts/receipt-chain.ts';
import { linesOf, statement } from '../../receipts/deletions.ts';
import { key, verdictOn } from '../../receipts/verdict.ts';

const lua = readFileSync(new URL('../../../src/store/receipts/chain.lua', import.meta.url), 'utf8');
const INSTANCES = ['default', 'eu'];

let redis: Redis;
const prefixes: string[] = [];
beforeAll(() => {
  redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
});
afterAll(async () => {
  for (const prefix of prefixes) await redis.unlink(INSTANCES.map((instance) => chainKey(prefix, instance)));
  redis.disconnect();
});

/** A process of a fleet, and how it appends a receipt in the step that would settle the deletion. */
function createProcess(prefix: string, onRead = () => {}) {
  const getBackend = () => {
    onRead();
    return { client: Promise.resolve(redis) };
  };
  const jobs = { getBackend } as unknown as Queue;
  const sign = (said: Parameters<typeof signReceipt>[0]) => signReceipt(said, key);
  const append = createReceiptChain({ prefix, jobs, sign });
  const script = `${lua}
local receipt = cjson.decode(ARGV[1])
if not isNext(receipt) then return 'moved' end
append(receipt)
return 'ok'`;
  return async (said: Partial<Receipt>, settle = async () => {}): Promise<Receipt> => {
    const { sequence: _none, previous: _nor, ...rest } = { ...statement, ...said };
    let next: NextReceipt | undefined;
    const reply = await append(rest, async (offered) => {
      next = offered;
      await settle();
      return redis.eval(script, 0, luaJson(offered));
    });
    expect(reply).toBe('ok');
    return sign({ ...rest, sequence: Number(next?.sequence), previous: next?.previous ?? '' });
  };
}

function createFleet() {
  const prefix = `{test-${randomUUID()}}`;
  prefixes.push(prefix);
  return { prefix, one: createProcess(prefix), other: createProcess(prefix) };
}

describe('a chain', () => {
  it('is one that can be verified: each receipt names the hash of the one before it', async () => {
    const { prefix, one } = createFleet();
    const receipts: Receipt[] = [];
    const jobIds = ['j', 'ü\u2028', '\u001f"\\', '\ud83d\ude00', 'j2', '\ud83d', 'j3'];
    for (const [index, jobId] of jobIds.entries())
      receipts.push(
        await one({
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
    expect(await redis.hgetall(chainKey(prefix, 'default'))).toEqual({
      sequence: '4',
      hash: headOf('default'),
    });
  });

  it('has every receipt once where several processes append at once', async () => {
    const { one, other } = createFleet();
    const receipts = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => (n % 2 === 0 ? one : other)({ jobId: `j-${n}` })),
    );
    const inOrder = receipts.toSorted((a, b) => a.sequence - b.sequence);
    expect(await verdictOn(linesOf(inOrder), { isComplete: true })).toMatchObject({
      receipts: 20,
      chains: [{ first: 1, last: 20 }],
    });
  });

  it('has no receipt made twice where one process appends many at once', async () => {
    const { one } = createFleet();
    let made = 0;
    const count = async () => void (made += 1);
    await Promise.all(Array.from({ length: 10 }, async (_, n) => one({ jobId: `j-${n}` }, count)));
    expect(made).toBe(10);
  });

  it('goes on after a deletion that could not be settled', async () => {
    const { one } = createFleet();
    const fail = async () => Promise.reject(new Error('Redis is away'));
    const [failed, next] = await Promise.allSettled([one({}, fail), one({})]);
    expect(failed.status).toBe('rejected');
    expect(next).toMatchObject({ status: 'fulfilled', value: { sequence: 1 } });
  });

  it('is read once for the receipts that one process appends', async () => {
    let reads = 0;
    const one = createProcess(createFleet().prefix, () => (reads += 1));
    for (let n = 0; n < 3; n += 1) await one({ jobId: `j-${n}` });
    expect(reads).toBe(1);
  });

  it('of another instance waits for none', async () => {
    const { one } = createFleet();
    const circuit = Promise.withResolvers<void>();
    const held = one({ instance: 'default' }, async () => circuit.promise);
    expect(await one({ instance: 'eu' })).toMatchObject({ sequence: 1 });
    circuit.resolve();
    expect(await held).toMatchObject({ sequence: 1 });
  });

  it('goes on beyond what a double prints in full in Lua', async () => {
    const { prefix, one } = createFleet();
    await redis.hset(chainKey(prefix, 'eu'), 'sequence', '1000000000000000', 'hash', 'a'.repeat(64));
    expect(await one({ instance: 'eu' })).toMatchObject({
      sequence: 1_000_000_000_000_001,
      previous: 'a'.repeat(64),
    });
  });
});
