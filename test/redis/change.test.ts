import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished } from 'vitest';
import { type Decision, Seen, changesIn } from '../../src/redis/change.ts';
import { RedisRefusedError, isRedisFault } from '../../src/redis/refusal.ts';

function openChanges() {
  const prefix = `{test-${randomUUID()}}`;
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  onTestFinished(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
    redis.disconnect();
  });
  return { redis, change: changesIn(redis), key: (name: string) => `${prefix}:${name}` };
}

/** Adds one to a number, and answers with it. */
const addOne =
  (key: string) =>
  (seen: Seen): Decision<number> => {
    const next = Number(seen.text('GET', key) ?? 0) + 1;
    return { answer: next, writes: [['SET', key, next]] };
  };

it('decides over what there is, by whichever command it was read', async () => {
  const { redis, change, key } = openChanges();
  await redis.hset(key('hash'), 'a', 'one', 'c', '');
  await redis.zadd(key('set'), 1.5, 'member');
  const read = await change((seen) => ({
    answer: [
      seen.list('HMGET', key('hash'), 'a', 'b', 'c'),
      seen.list('ZRANGE', key('none'), 0, 0, 'WITHSCORES'),
      seen.score(key('set'), 'member'),
      seen.score(key('set'), 'another'),
      seen.text('GET', key('none')),
      seen.read('ZCARD', key('set')),
      Math.abs(seen.now - Date.now()) < 60_000,
    ],
  }));
  expect(read).toEqual([['one', undefined, ''], [], 1.5, undefined, undefined, 1, true]);
});

it('reads on where one reply leads to the next, and decides over one moment', async () => {
  const { redis, change, key } = openChanges();
  await redis.mset(key('first'), 'a', key('a'), '1', key('b'), '2');
  let calls = 0;
  const decide = (seen: Seen) => {
    const first = seen.text('GET', key('first')) ?? '';
    const second = first === '' ? undefined : seen.text('GET', key(first));
    calls += 1;
    // Once what it has read so far is about to be read again together with the rest.
    if (calls === 2) void redis.set(key('first'), 'b');
    return { answer: [first, second] };
  };
  expect(await change(decide)).toEqual(['b', '2']);
  expect(calls).toBe(4);
});

it('decides anew where what it has read was changed meanwhile, and writes all or nothing', async () => {
  const { redis, change, key } = openChanges();
  let calls = 0;
  const answer = await change((seen) => {
    const before = Number(seen.text('GET', key('number')) ?? 0);
    calls += 1;
    // It reaches Redis before the change does.
    if (calls === 2) void redis.set(key('number'), 10);
    return {
      answer: before,
      writes: [
        ['SET', key('number'), before + 1],
        ['SADD', key('written'), before],
      ],
    };
  });
  expect(answer).toBe(10);
  expect(await redis.get(key('number'))).toBe('11');
  expect(await redis.smembers(key('written'))).toEqual(['10']);
});

it('loses no change of many at once', async () => {
  const { redis, change, key } = openChanges();
  const answers = await Promise.all(Array.from({ length: 50 }, async () => change(addOne(key('number')))));
  expect(answers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  expect(await redis.get(key('number'))).toBe('50');
});

it('writes at once where it reads nothing, and asks once where it writes nothing', async () => {
  const { redis, change, key } = openChanges();
  let calls = 0;
  await change(() => {
    calls += 1;
    return { answer: '', writes: [['SET', key('text'), 'a']] };
  });
  expect(calls).toBe(1);
  expect(await change((seen) => ({ answer: seen.text('GET', key('text')) }))).toBe('a');
  expect(await redis.get(key('text'))).toBe('a');
});

/** The changes on a connection of which each call is made, and answered, as told. */
function intercepted(redis: Redis, by: (call: () => Promise<unknown>, keys: string[]) => Promise<unknown>) {
  const connection: Record<string, unknown> = {
    defineCommand(name: string, definition: { lua: string; numberOfKeys: number }) {
      redis.defineCommand(name, definition);
      connection[name] = ([count, ...args]: [number, ...string[]]) => {
        const script = Reflect.get(redis, name) as (args: unknown[]) => Promise<unknown>;
        return by(async () => script.call(redis, [count, ...args]), args.slice(0, count));
      };
    },
  };
  return changesIn(connection as unknown as Redis);
}

it('decides anew where the reply to a change was lost and it is sent again', async () => {
  const { redis, key } = openChanges();
  const change = intercepted(redis, async (call) => {
    await call();
    return call();
  });
  const setOnce = (seen: Seen): Decision<string> =>
    seen.text('GET', key('lock')) === undefined
      ? { answer: 'set now', writes: [['SET', key('lock'), 'mine']] }
      : { answer: `it is ${seen.text('GET', key('lock'))}` };
  expect(await change(setOnce)).toBe('it is mine');
});

it('declares every key, and asks once where it only reads', async () => {
  const { redis, key } = openChanges();
  const asked: string[][] = [];
  const change = intercepted(redis, async (call, keys) => {
    asked.push(keys);
    return call();
  });
  const nowhere = `${key('a')}:nowhere`;
  await change((seen) => ({ answer: seen.text('GET', key('a')) }));
  expect(asked.splice(0)).toEqual([[key('a'), nowhere]]);
  await change((seen) => ({
    answer: seen.text('GET', key('a')),
    writes: [['SET', key('b'), 1]],
    room: { key: key('room'), member: 'm', limit: 1, withinMs: 1000, otherwise: undefined },
  }));
  expect(asked.at(-1)).toEqual([key('a'), key('b'), key('room'), nowhere]);
});

it('decides nothing before it knows the time, where that counts', async () => {
  const { change } = openChanges();
  expect(new Seen().now).toBe(0);
  const now = await change((seen) => ({ answer: seen.now }));
  expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
});

it('gives up, as a fault of Redis that passes, where others change the same each time', async () => {
  const { redis, change, key } = openChanges();
  let n = 0;
  const changing = change((seen) => {
    n += 1;
    void redis.set(key('hot'), n);
    return { answer: seen.text('GET', key('hot')), writes: [['SET', key('cold'), 1]] };
  });
  const error: unknown = await changing.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(RedisRefusedError);
  expect(error).toMatchObject({ code: 'CONTENDED', message: expect.stringContaining('Try again') });
  expect(isRedisFault(error)).toBe(true);
  expect(await redis.exists(key('cold'))).toBe(0);
  expect(n).toBe(200);
});

it('lets exactly as many through as there is room for, and the next ones once the time is over', async () => {
  const { redis, change, key } = openChanges();
  const enter = async (member: string) =>
    change(() => ({
      answer: 'in',
      writes: [['SADD', key('in'), member]],
      room: { key: key('room'), member, limit: 7, withinMs: 60_000, otherwise: 'full' },
    }));
  const answers = await Promise.all(Array.from({ length: 40 }, async (_, n) => enter(`m-${n}`)));
  expect(answers.filter((answer) => answer === 'in')).toHaveLength(7);
  expect(await redis.scard(key('in'))).toBe(7);
  expect(await redis.pttl(key('room'))).toBeGreaterThan(50_000);
  await redis.zadd(key('room'), Date.now() - 60_001, 'm-0');
  expect(await enter('late')).toBe('in');
  expect(await enter('later')).toBe('full');
});

it('takes no room where it decides anew', async () => {
  const { redis, change, key } = openChanges();
  let calls = 0;
  const answer = await change((seen) => {
    calls += 1;
    if (calls === 2) void redis.set(key('text'), 'new');
    const text = seen.text('GET', key('text'));
    const room = { key: key('room'), member: 'm', limit: 1, withinMs: 60_000, otherwise: 'full' };
    return { answer: text ?? 'none', writes: [['SET', key('seen'), text ?? '']], room };
  });
  expect([answer, calls]).toEqual(['new', 3]);
  expect(await redis.zrange(key('room'), 0, '-1')).toEqual(['m']);
});

it('keeps a key longer, never shorter, and deletes one only with an empty set', async () => {
  const { redis, change, key } = openChanges();
  const keep = async (seconds: number) => {
    await change(() => ({ answer: '', writes: [['EXPIRE-AT-LEAST', key('kept'), seconds]] }));
    return redis.ttl(key('kept'));
  };
  expect(await keep(100)).toBe(-2);
  await redis.set(key('kept'), '');
  for (const seconds of [100, 50, 200]) await keep(seconds);
  expect(await redis.ttl(key('kept'))).toBeGreaterThan(190);
  expect(await keep(10)).toBeGreaterThan(190);
  const close = async () =>
    change(() => ({ answer: '', writes: [['DEL-IF-EMPTY', key('kept'), key('set')]] }));
  await redis.zadd(key('set'), 1, 'member');
  await close();
  expect(await redis.exists(key('kept'))).toBe(1);
  await redis.zrem(key('set'), 'member');
  await close();
  expect(await redis.exists(key('kept'))).toBe(0);
});
