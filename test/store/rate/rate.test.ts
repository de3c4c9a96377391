import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type RateRequest, createFleetRate } from '../../../src/store/rate/fleet-rate.ts';

const HOUR_MS = 3_600_000;

/** The rate of a fleet, by a clock that the test sets. */
function createWorld(maxRps?: number) {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const prefix = `{test-${randomUUID()}}`;
  onTestFinished(async () => {
    await connection.del(`${prefix}:rate`);
    connection.disconnect();
  });
  let nowMs = 1e12;
  const withCeiling = (maxRps?: number) => createFleetRate({ connection, prefix, maxRps, now: () => nowMs });
  const rate = withCeiling(maxRps);
  return {
    look: () => rate.look(),
    /** Of another process. */
    withCeiling,
    pass: (ms: number) => void (nowMs += ms),
    want: (count: number) => rate.take({ count, passed: 0 }),
    accepted: (passed: number, passedAgoMs = 0) => rate.take({ count: 0, passed, passedAgoMs }),
    refuse: (refused: Partial<RateRequest['refused']> = {}) =>
      rate.take({ count: 0, passed: 0, refused: { sentAgoMs: 0, retryAfterMs: 0, ...refused } }),
    ttl: () => connection.pttl(`${prefix}:rate`),
  };
}

describe('a fleet without a limit', () => {
  it('has no slots, and leaves nothing in Redis', async () => {
    const { want, ttl } = createWorld();
    expect(await want(3)).toEqual({
      isLowered: false,
      pausedForMs: 0,
      firstInMs: 0,
      everyMs: 0,
      count: 0,
      roomInMs: 0,
    });
    expect(await ttl()).toBe(-2);
  });

  it('has what passed as a hint, for two hours', async () => {
    const { accepted, ttl } = createWorld();
    await accepted(1);
    expect(await ttl()).toBeGreaterThan(HOUR_MS);
    expect(await ttl()).toBeLessThanOrEqual(2 * HOUR_MS);
  });
});

describe('a ceiling', () => {
  it('hands out the slots of the next 150 ms, and each once', async () => {
    const { want, pass, look } = createWorld(10);
    expect(await want(5)).toMatchObject({
      ratePerS: 10,
      everyMs: 100,
      firstInMs: -25,
      count: 2,
      roomInMs: 25,
    });
    expect(await want(1)).toMatchObject({ count: 0 });
    pass(25);
    expect(await want(5)).toMatchObject({ firstInMs: 150, count: 1, roomInMs: 100 });
    expect(await look()).toMatchObject({ count: 0, roomInMs: 100 });
  });

  it('saves up no slots of a time without requests', async () => {
    const { want, pass } = createWorld(10);
    await want(1);
    pass(10_000);
    expect(await want(5)).toMatchObject({ firstInMs: -25, count: 2 });
  });

  it('is kept for as long as slots are wanted', async () => {
    const { want, look, ttl } = createWorld(10);
    await look();
    expect(await ttl()).toBe(-2);
    await want(1);
    expect(await ttl()).toBeGreaterThan(HOUR_MS);
  });
});

describe('a refusal', () => {
  it('halves the rate, and pauses the fleet', async () => {
    const { refuse, want } = createWorld(10);
    expect(await refuse()).toMatchObject({ ratePerS: 5, isLowered: true, pausedForMs: 500, roomInMs: 350 });
    expect(await want(1)).toMatchObject({ ratePerS: 5, count: 0, pausedForMs: 500 });
  });

  it('without a ceiling halves what has passed lately, or a hundred a second', async () => {
    const quiet = createWorld();
    expect(await quiet.refuse()).toMatchObject({ ratePerS: 50 });
    const busy = createWorld();
    await busy.accepted(300);
    expect(await busy.refuse()).toMatchObject({ ratePerS: 150 });
    const slowing = createWorld();
    await slowing.accepted(300);
    slowing.pass(250);
    await slowing.accepted(15);
    slowing.pass(10);
    expect(await slowing.refuse()).toMatchObject({ ratePerS: 120 });
    const over = createWorld();
    await over.accepted(300);
    over.pass(2000);
    await over.accepted(120);
    expect(await over.refuse()).toMatchObject({ ratePerS: 60 });
  });

  it('halves the rate again once a request has passed since the pause, down to one in two seconds', async () => {
    const { refuse, accepted, pass } = createWorld(2);
    const rates = [];
    for (let n = 0; n < 3; n += 1) {
      rates.push((await refuse()).ratePerS);
      pass(500);
      await accepted(1);
    }
    expect(rates).toEqual([1, 0.5, 0.5]);
  });

  it('after another one lengthens the pause alone, up to a minute', async () => {
    const { refuse, accepted, pass } = createWorld(10);
    const pauses = [];
    for (let n = 0; n < 9; n += 1) {
      const { pausedForMs, ratePerS, isLowered } = await refuse();
      expect([ratePerS, isLowered]).toEqual([5, n === 0]);
      pauses.push(pausedForMs);
      pass(pausedForMs);
      // It was sent before the pause ended.
      await accepted(1, 1);
    }
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('of a request that was sent before the pause has only its Retry-After as news', async () => {
    const { refuse, pass } = createWorld(10);
    await refuse();
    pass(100);
    expect(await refuse({ sentAgoMs: 0 })).toMatchObject({ isLowered: false, pausedForMs: 400 });
    expect(await refuse({ sentAgoMs: 0, retryAfterMs: 900 })).toMatchObject({
      pausedForMs: 900,
      ratePerS: 5,
    });
    pass(900);
    expect(await refuse({ sentAgoMs: 1 })).toMatchObject({ pausedForMs: 0 });
    expect(await refuse({ sentAgoMs: 0 })).toMatchObject({ pausedForMs: 1000 });
  });

  it('pauses the fleet for its Retry-After, up to an hour', async () => {
    expect(await createWorld().refuse({ retryAfterMs: 7000 })).toMatchObject({ pausedForMs: 7000 });
    expect(await createWorld().refuse({ retryAfterMs: 9 * HOUR_MS })).toMatchObject({ pausedForMs: HOUR_MS });
  });

  it('is forgotten ten minutes after its pause', async () => {
    const { refuse, look, pass } = createWorld();
    await refuse();
    pass(500 + 600_000);
    expect(await look()).toMatchObject({ ratePerS: 50 });
    pass(1);
    expect((await look()).ratePerS).toBeUndefined();
    expect(await refuse()).toMatchObject({ isLowered: true, pausedForMs: 500 });
  });

  it('pauses the fleet for no more than an hour where the clock is set back', async () => {
    const { refuse, look, pass } = createWorld();
    await refuse();
    pass(-24 * HOUR_MS);
    expect(await look()).toMatchObject({ pausedForMs: HOUR_MS });
  });
});

describe('a rate that was lowered', () => {
  const RISE = 10 / 60;

  it('is that of every process, up to the ceiling of each', async () => {
    const { refuse, withCeiling } = createWorld(100);
    await refuse();
    const ceilings = [10, 70, undefined];
    const rates = await Promise.all(
      ceilings.map(async (ceiling) => (await withCeiling(ceiling).look()).ratePerS),
    );
    expect(rates).toEqual([10, 50, 50]);
  });

  it('rises while requests wait for slots, up to the ceiling', async () => {
    const { refuse, want, pass } = createWorld(10);
    await refuse();
    pass(500);
    // The first slot waits for nothing, nor does one that is due at this moment.
    expect(await want(1)).toMatchObject({ ratePerS: 5, everyMs: 200 });
    pass(200);
    expect(await want(1)).toMatchObject({ ratePerS: 5, count: 1 });
    expect((await want(1)).count).toBe(0);
    pass(100);
    const { ratePerS = 0, count } = await want(1);
    expect(count).toBe(1);
    expect(ratePerS).toBeCloseTo(5 + RISE * 0.2, 2);
    for (let n = 0; n < 900; n += 1) {
      await want(1);
      pass(100);
    }
    expect(await want(0)).toMatchObject({ ratePerS: 10 });
  });
});

it.each([1000, 600_000, 86_400_000])(
  'a clock that is set back by %d ms stops no request for longer than a slot',
  async (backMs) => {
    const { want, pass } = createWorld(10);
    const take = async () => {
      const { count } = await want(1);
      pass(100);
      return count;
    };
    for (let n = 0; n < 50; n += 1) await take();
    pass(-backMs);
    let taken = 0;
    for (let n = 0; n < 4; n += 1) taken += await take();
    expect(taken).toBeGreaterThan(0);
  },
);
