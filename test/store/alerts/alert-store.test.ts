import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createAlertStore } from '../../../src/store/alerts/alert-store.ts';

const DAY_MS = 86_400_000;
const NONE = { begun: [], over: [] };
const A = { name: 'a', patienceMs: 60_000 };
const B = { name: 'b', patienceMs: 0 };

/** What a fleet has sent; the test sets back the times instead of waiting. */
function createWorld() {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const prefix = `{test-${randomUUID()}}`;
  const key = `${prefix}:alerts`;
  onTestFinished(async () => {
    await redis.del(key);
    redis.disconnect();
  });
  const store = createAlertStore(redis, prefix);
  return {
    take: (...[states]: Parameters<typeof store.take>) => store.take(states),
    giveBack: (...[sendings]: Parameters<typeof store.giveBack>) => store.giveBack(sendings),
    ttl: () => redis.ttl(key),
    expire: (seconds: number) => redis.expire(key, seconds),
    pass: async (ms: number) => {
      for (const [name, text] of Object.entries(await redis.hgetall(key))) {
        const [since = 0, sentAt = 0] = text.split(' ').map(Number);
        await redis.hset(key, name, `${since - ms} ${sentAt === 0 ? 0 : sentAt - ms}`);
      }
    },
  };
}

describe('an alert', () => {
  it('is sent once its state has lasted, by one worker, and when that is over', async () => {
    const { take, pass } = createWorld();
    expect(await take([A, B])).toEqual({ begun: ['b'], over: [] });
    expect(await take([A, B])).toEqual(NONE);
    await pass(30_000);
    expect(await take([A, B])).toEqual(NONE);
    await pass(30_000);
    expect(await take([A, B])).toEqual({ begun: ['a'], over: [] });
    expect(await take([B])).toEqual({ begun: [], over: ['a'] });
    expect(await take([B])).toEqual(NONE);
    expect(await take([A, B])).toEqual(NONE);
  });

  it('of a state that was over before it was sent is never sent', async () => {
    const { take, pass } = createWorld();
    await take([A]);
    await pass(59_000);
    expect(await take([])).toEqual(NONE);
    await take([A]);
    await pass(59_000);
    expect(await take([A])).toEqual(NONE);
  });

  it('is repeated each day', async () => {
    const { take, pass } = createWorld();
    await take([B]);
    await pass(DAY_MS - 60_000);
    expect(await take([B])).toEqual(NONE);
    await pass(60_000);
    expect(await take([B])).toEqual({ begun: ['b'], over: [] });
    expect(await take([B])).toEqual(NONE);
  });

  it('that could not be sent is sent with the next look', async () => {
    const { take, giveBack } = createWorld();
    const sendings = await take([B]);
    await giveBack(sendings);
    expect(await take([B])).toEqual(sendings);
    const ends = await take([]);
    expect(ends).toEqual({ begun: [], over: ['b'] });
    await giveBack(ends);
    expect(await take([])).toEqual(ends);
  });

  it('costs nothing while nothing changes', async () => {
    const { take, expire, ttl } = createWorld();
    await take([A, B]);
    await expire(100);
    await take([A, B]);
    expect(await ttl()).toBeLessThanOrEqual(100);
  });

  it('is remembered for a month, and one that could not be sent as long', async () => {
    const { take, giveBack, ttl } = createWorld();
    expect([await take([]), await ttl()]).toEqual([NONE, -2]);
    await take([B]);
    expect(await ttl()).toBeGreaterThan(29 * 86_400);
    const another = createWorld();
    await another.giveBack({ begun: ['b'], over: [] });
    expect(await another.ttl()).toBeGreaterThan(29 * 86_400);
    await giveBack(NONE);
  });
});
