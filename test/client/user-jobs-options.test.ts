import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { InvalidJobError } from '../../src/client/requests.ts';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { createProducerWorld } from './producer-world.ts';

function caught(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}

describe('a producer that cannot be meant', () => {
  it.each([undefined, '', 'localhost:6379', 'http://localhost', { url: 'redis://localhost' }])(
    'with redis %j is refused',
    (redis) => {
      expect(() => new UserJobs({ redis: redis as never })).toThrow('redis: must be');
    },
  );

  it.each([
    ['redis://h/abc', 'may name a database by its number'],
    ['redis://h/-1', 'may name a database by its number'],
    ['redis://h?db=9', 'percent-encoded'],
    ['redis://user:99#kret@h', 'percent-encoded'],
    ['redis://:%zz@h', 'percent-encoded'],
  ])('with redis %j is refused, and its password not told', (redis, fault) => {
    const refusal = /^redis: must (?:name a host|have no)/;
    const error = caught(() => new UserJobs({ redis }));
    expect(error.message).toMatch(refusal);
    expect(error.message).toContain(fault);
    expect(inspect(error)).not.toContain('kret');
    expect(caught(() => loadConfig({ REDIS_URL: redis })).message).toContain(fault);
  });

  it('with a mistyped option, or one that is undefined where it decides when, adds nothing', async () => {
    const { users, world } = await createProducerWorld({ startsWorker: false });
    const user = { clientId: 'c-1' };
    for (const due of [
      { in: undefined },
      { at: undefined },
      { In: '30d' },
      { delay: 1 },
      { dueAt: new Date() },
    ]) {
      const [name = ''] = Object.keys(due);
      await expect(users.delete(user, due as never)).rejects.toThrow(`${name}: `);
      await expect(users.rescheduleDeletion(user, { in: '1d', ...due } as never)).rejects.toThrow(
        InvalidJobError,
      );
    }
    await expect(users.create(user, { idempotencykey: 'k' } as never)).rejects.toThrow(
      'idempotencykey: no such option',
    );
    await expect(users.createMany([user], { chunk: 1, signal: 7 } as never)).rejects.toThrow(
      'signal: must be an object with aborted; chunk: no such option',
    );
    await expect(users.job('1').result({ timeout: 1 } as never)).rejects.toThrow('timeout: no such option');
    for (const maxWaiting of [Number.NaN, 0, -1, null]) {
      const adding = users.createMany([user], { maxWaiting: maxWaiting as never });
      await expect(adding).rejects.toThrow('maxWaiting: must be a number from 1, or Infinity');
    }
    expect(await world.jobs.getJobCountByTypes('waiting', 'delayed', 'prioritized')).toBe(0);
  });

  it.each([Number.NaN, -1, 2 ** 31, '800'])('that fails after %j ms is refused', (failAfterMs) => {
    const options = { redis: 'redis://127.0.0.1:1', failAfterMs: failAfterMs as number };
    expect(() => new UserJobs(options)).toThrow('failAfterMs: must be');
  });
});

it('a producer whose options cannot be meant is told each fault, and opens nothing', () => {
  const options = {
    redis: 'kret',
    prefix: '',
    queue: 'a:b',
    failAfterMs: -1,
    telemetry: {},
    prefx: 5,
  };
  const connect = vi.spyOn(Redis.prototype, 'connect');
  onTestFinished(() => connect.mockRestore());
  const error = caught(() => new UserJobs(options as never));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message.replaceAll(/: [^;]*/g, '').split('; ')).toEqual(Object.keys(options));
  expect(inspect(error)).not.toContain('kret');
  expect(caught(() => new UserJobs({ redis: 'redis://h', prefix: 5 as never })).message).toContain('prefix');
  expect(() => new UserJobs(undefined as never)).toThrow(TypeError);
  expect(connect).not.toHaveBeenCalled();
});
