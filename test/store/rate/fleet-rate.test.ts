import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished } from 'vitest';
import { createFleetRate } from '../../../src/store/rate/fleet-rate.ts';

it.each([1000, 600_000, 86_400_000])(
  'a clock that is set back by %d ms stops no request for longer than a slot',
  async (backMs) => {
    const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
    const prefix = `{test-${randomUUID()}}`;
    onTestFinished(async () => {
      await connection.del(`${prefix}:rate`);
      connection.disconnect();
    });
    let nowMs = 1e12;
    const rate = createFleetRate({ connection, prefix, maxRps: 10, now: () => nowMs });
    const take = async () => (await rate.take({ count: 1, passed: 0 })).count;
    for (let n = 0; n < 50; n += 1, nowMs += 100) await take();
    nowMs -= backMs;
    let taken = await take();
    for (let n = 0; n < 3; n += 1, nowMs += 100) taken += await take();
    expect(taken).toBeGreaterThan(0);
  },
);
