import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import {
  type BeginOptions,
  type Place,
  createImportStates,
} from '../../../src/store/imports/import-states.ts';

const START: Place = { line: 0, added: 0, skipped: 0 };
const HALF: Place = { line: 6, added: 4, skipped: 1 };

const DAY_S = 86_400;

function createStates() {
  const redis = new Redis(inject('redisUrl'));
  const prefix = `{test-${randomUUID()}}`;
  const key = `${prefix}:import:some`;
  onTestFinished(async () => {
    await redis.unlink(key, `${key}:added`);
    redis.disconnect();
  });
  const states = createImportStates(redis, prefix);
  return {
    redis,
    key,
    ...states,
    begin: (options: Partial<BeginOptions> = {}) =>
      states.begin('some', {
        run: 'one',
        isAgain: false,
        begunAt: 1000,
        asOf: 1_795_878_932_453,
        ...options,
      }),
    ttls: () => Promise.all([redis.ttl(key), redis.ttl(`${key}:added`)]),
  };
}

describe('an import', () => {
  it('begins once, and is remembered for 90 days', async () => {
    const { begin, look, redis, key, ttls } = createStates();
    expect(await look('some')).toBeUndefined();
    const begun = await begin();
    expect(begun).toMatchObject({
      begunAt: 1000,
      place: START,
      completeSince: undefined,
      round: 1,
      asOf: 1_795_878_932_453,
    });
    expect(await look('some')).toEqual({
      begunAt: 1000,
      place: START,
      completeSince: undefined,
    });
    // Another run takes it as it is.
    expect(await begin({ run: 'two', begunAt: 2, asOf: 1, isAgain: true })).toEqual(begun);
    expect(await redis.hget(key, 'run')).toBe('two');
    expect((await ttls())[0]).toBeGreaterThan(89 * DAY_S);
    await redis.expire(key, 5);
    await begin();
    expect((await ttls())[0]).toBeGreaterThan(89 * DAY_S);
  });

  it('that is complete is begun again only if that is asked for, and then from its start', async () => {
    const { begin, move, redis, key, addedAt } = createStates();
    await begin();
    await move('some', { run: 'one', from: START, to: HALF, addedLine: 6 });
    expect(await move('some', { run: 'one', from: HALF, completes: true })).toEqual({ is: 'here' });
    const complete = await begin({ run: 'two' });
    expect(complete).toMatchObject({ place: HALF, round: 1, completeSince: expect.any(Number) });
    expect(await redis.hget(key, 'run')).toBe('one');
    const again = await begin({ run: 'two', isAgain: true, begunAt: 3, asOf: 7 });
    expect(again).toMatchObject({ begunAt: 3, place: START, round: 2, asOf: 7, completeSince: undefined });
    expect(await redis.hget(key, 'run')).toBe('two');
    expect(await addedAt('some', 6)).toBeUndefined();
    await move('some', { run: 'two', from: START, completes: true });
    expect(await begin({ isAgain: true })).toMatchObject({ round: 3 });
  });
});

describe('a run', () => {
  it('moves its import on from where it stands, and looks without moving it', async () => {
    const { begin, move, look, redis, key, ttls } = createStates();
    await begin();
    expect(await move('some', { run: 'one', from: START })).toEqual({ is: 'here' });
    expect(await look('some')).toMatchObject({ place: START });
    await redis.expire(key, 5);
    expect(await move('some', { run: 'one', from: START, to: HALF })).toEqual({ is: 'here' });
    expect(await look('some')).toEqual({
      begunAt: 1000,
      place: HALF,
      completeSince: undefined,
    });
    expect((await ttls())[0]).toBeGreaterThan(89 * DAY_S);
    expect(await redis.exists(`${key}:added`)).toBe(0);
  });

  it('that takes it to be elsewhere is told where it stands, and changes nothing', async () => {
    const { begin, move, look, redis, key } = createStates();
    await begin();
    await move('some', { run: 'one', from: START, to: HALF });
    const stale = { run: 'one', from: START, to: { line: 9, added: 9, skipped: 0 }, addedLine: 9 };
    expect(await move('some', { ...stale, completes: true })).toEqual({ is: 'moved', place: HALF });
    expect(await look('some')).toMatchObject({ place: HALF, completeSince: undefined });
    expect(await redis.exists(`${key}:added`)).toBe(0);
  });

  it('is over once another has the import, or Redis has lost it', async () => {
    const { begin, move, isHeld, look, redis, key } = createStates();
    await begin();
    await begin({ run: 'two' });
    const move1 = { run: 'one', from: START, to: HALF, addedLine: 6, completes: true };
    expect(await move('some', move1)).toEqual({ is: 'over', isLost: false });
    expect(await isHeld('some', 'one')).toEqual({ is: 'over', isLost: false });
    expect(await isHeld('some', 'two')).toEqual({ is: 'here' });
    expect(await look('some')).toMatchObject({ place: START, completeSince: undefined });
    await redis.del(key);
    expect(await move('some', { ...move1, run: 'two' })).toEqual({ is: 'over', isLost: true });
    expect(await isHeld('some', 'two')).toEqual({ is: 'over', isLost: true });
    expect(await redis.exists(key, `${key}:added`)).toBe(0);
  });

  it('of none is an import that is complete', async () => {
    const { begin, move, isHeld } = createStates();
    await begin();
    expect(await isHeld('some', undefined)).toEqual({ is: 'over', isLost: false });
    await move('some', { run: 'one', from: START, completes: true });
    expect(await isHeld('some', undefined)).toEqual({ is: 'here' });
  });
});

describe('when rows were added', () => {
  it('is known by the second, of each line', async () => {
    const { begin, move, addedAt, redis, key, ttls } = createStates();
    await begin();
    await redis.zadd(`${key}:added`, 3, 1000);
    const [before] = await redis.time();
    await move('some', { run: 'one', from: START, to: HALF, addedLine: 6 });
    const [after] = await redis.time();
    expect(await addedAt('some', 1)).toBe(1_000_000);
    expect(await addedAt('some', 3)).toBe(1_000_000);
    for (const line of [4, 6]) {
      const seconds = ((await addedAt('some', line)) ?? 0) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(Number(before));
      expect(seconds).toBeLessThanOrEqual(Number(after));
    }
    expect(await addedAt('some', 7)).toBeUndefined();
    const [, left] = await ttls();
    expect(left).toBeGreaterThan(DAY_S - 60);
    expect(left).toBeLessThanOrEqual(DAY_S);
  });

  it('is kept of the last 3,600 seconds in which any were', async () => {
    const { begin, move, redis, key } = createStates();
    await begin();
    const seconds = Array.from({ length: 3700 }, (_, n) => [n, n]);
    await redis.zadd(`${key}:added`, ...seconds.flat());
    await move('some', { run: 'one', from: START, addedLine: 5000 });
    expect(await redis.zcard(`${key}:added`)).toBe(3600);
    expect(await redis.zrange(`${key}:added`, '0', '0')).toEqual(['101']);
  });
});
