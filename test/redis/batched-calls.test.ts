import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { type RedisConnection, connectRedis } from '../../src/redis/connection.ts';
import { startRedisServer } from '../../src/dev/embedded-server.ts';
import { batched, luaForSeveral } from '../../src/redis/batched-calls.ts';
import { refusalOf } from '../../src/redis/refusal.ts';
import { type Script, scriptsOf } from '../../src/redis/scripts.ts';

const ECHO = `
if ARGV[1] == 'throw' then
  redis.call('INCR', KEYS[1])
  return redis.call('HGET', KEYS[1], 'field')
elseif ARGV[1] == 'refuse' then
  return redis.error_reply('OOM it is full')
elseif ARGV[1] == 'count' then
  return redis.call('INCR', KEYS[1])
elseif ARGV[1] == 'nothing' then
  return nil
end
return { twice(KEYS[1] or ''), #KEYS, #ARGV, ARGV[1] or 'none' }`;
const TWICE = 'local function twice(text) return text .. text end';

it('answers each call as if it had been alone, whatever becomes of the others', async () => {
  const { call, key } = openScript();
  const answers = await Promise.allSettled([
    call([key('a'), key('b')], ['one', Buffer.from('two'), 3]),
    call([key('number')], ['throw']),
    call([key('a')], ['refuse']),
    call([key('a')], ['nothing']),
    call([], []),
    call([key('c')], ['last']),
  ]);
  const [first, thrown, refused, nothing, bare, last] = answers;
  expect(first).toEqual({ status: 'fulfilled', value: [key('a') + key('a'), 2, 3, 'one'] });
  expect(thrown).toMatchObject({ status: 'rejected', reason: { name: 'ReplyError' } });
  expect(refused?.status === 'rejected' && refusalOf(refused.reason)?.code).toBe('OOM');
  expect(nothing).toEqual({ status: 'fulfilled', value: null });
  expect(bare).toEqual({ status: 'fulfilled', value: ['', 0, 0, 'none'] });
  expect(last).toEqual({ status: 'fulfilled', value: [key('c') + key('c'), 1, 1, 'last'] });
});

it('keeps what a call has written that fails, as a script of its own would', async () => {
  const { call, key, redis } = openScript();
  await Promise.allSettled([call([key('number')], ['throw']), call([key('a')], ['fine'])]);
  expect(await redis.get(key('number'))).toBe('1');
});

it('has the calls of one turn leave together, eight at the most, in their order', async () => {
  const { call, key, script } = openScript();
  const answers = await Promise.all(Array.from({ length: 19 }, (_, n) => call([key(String(n))], [n])));
  expect(answers.map((answer) => (answer as unknown[])[3])).toEqual(
    Array.from({ length: 19 }, (_, n) => String(n)),
  );
  expect(script.mock.calls.map(([keys]) => keys.length)).toEqual([8, 8, 3]);
  await call([key('alone')], []);
  expect(script).toHaveBeenCalledTimes(4);
});

it('has a call that may wait go with the next one, and alone where none comes', async () => {
  const { call, key, script } = openScript();
  const late = call([key('a')], ['late'], { mayWait: true });
  await new Promise((resolve) => setImmediate(resolve));
  expect(script).not.toHaveBeenCalled();
  await Promise.all([late, call([key('b')], ['next'])]);
  expect(script).toHaveBeenCalledTimes(1);
  expect(await call([key('c')], ['alone'], { mayWait: true })).toContain('alone');
  expect(script).toHaveBeenCalledTimes(2);
});

it('fails all of them where Redis does not answer', async () => {
  const { call, key, script } = openScript();
  script.mockRejectedValueOnce(new Error('gone'));
  const answers = await Promise.allSettled([call([key('a')], []), call([key('b')], [])]);
  expect(answers).toEqual([
    { status: 'rejected', reason: new Error('gone') },
    { status: 'rejected', reason: new Error('gone') },
  ]);
  expect(await call([key('a')], ['again'])).toContain('again');
});

it('waits for the new master where Redis has become a replica', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'batched-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const server = await startRedisServer({ dir });
  onTestFinished(() => server.stop());
  const admin = new Redis(server.url);
  onTestFinished(() => admin.disconnect());
  const { call, key, script } = openScript(connectRedis({ kind: 'url', url: server.url }));
  expect(await call([key('number')], ['count'])).toBe(1);

  await admin.replicaof('127.0.0.1', 1);
  const answers = Promise.all([call([key('number')], ['count']), call([key('number')], ['count'])]);
  await expect.poll(async () => /errorstat_READONLY/.test(await admin.info('errorstats'))).toBe(true);
  await admin.replicaof('NO', 'ONE');
  expect(await answers).toEqual([2, 3]);
  // The client repeated the call, not our code.
  expect(script).toHaveBeenCalledTimes(2);
});

it('fails a call that is left without an answer', async () => {
  const { call, key, script } = openScript();
  script.mockResolvedValueOnce([[1, 'first']]);
  const answers = await Promise.allSettled([call([key('a')], []), call([key('b')], [])]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

function openScript(redis: RedisConnection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })) {
  const prefix = `{test-${randomUUID()}}`;
  const key = (name: string) => `${prefix}:${name}`;
  const queue = new Queue('user-jobs', { connection: redis, prefix });
  onTestFinished(async () => {
    await redis.unlink(key('number'));
    await queue.close();
    redis.disconnect();
  });
  const script = vi.fn<Script>(scriptsOf(queue, { echo: luaForSeveral([TWICE], ECHO) })('echo'));
  return { call: batched(script), key, redis, script };
}
