import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Pacer } from '../../../src/store/rate/pacer.ts';
import {
  OK,
  type PacerWorld,
  TOO_MANY,
  createPacerWorld,
  keepBusy,
  refuse,
  windowOf,
} from './pacer-world.ts';

let world: PacerWorld;
beforeEach(async () => {
  world = createPacerWorld();
  await world.begin();
});

describe('a ceiling', () => {
  const arrivals = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.nat(30), fc.nat(3000)),
      isStall: fc.boolean(),
      count: fc.integer({ min: 1, max: 30 }),
      by: fc.nat(2),
    }),
    { minLength: 1, maxLength: 25 },
  );
  it('is kept by all processes together in every second, give or take a twentieth and one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.5, max: 200, noNaN: true }), arrivals, async (maxRps, arrivals) => {
        await world.begin();
        const fleet = [world.process({ maxRps }), world.process({ maxRps }), world.process({ maxRps })];
        const left: number[] = [];
        for (const { afterMs, isStall, count, by } of arrivals) {
          if (isStall) await world.stall(afterMs);
          else await world.pass(afterMs);
          const pacer = fleet[by] as Pacer;
          for (let n = 0; n < count; n += 1) {
            world.ask(pacer, {
              onAdmitted() {
                left.push(world.now());
                world.answer(pacer, n % 7 === 6 ? TOO_MANY : OK);
              },
            });
          }
        }
        await world.pass(6000);
        const most = Math.floor(maxRps * 1.05) + 1;
        for (const from of left) {
          expect(left.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('is used up while there is work', async () => {
    const pacer = world.process({ maxRps: 40 });
    await keepBusy(world, pacer, 5000);
    expect(await keepBusy(world, pacer, 20_000)).toBeGreaterThanOrEqual(40 * 20 * 0.95);
  });

  it('asks Redis about ten times a second where many requests wait', async () => {
    const pacer = world.process({ maxRps: 100 });
    await keepBusy(world, pacer, 10_000);
    expect(world.calls()).toBeLessThanOrEqual(150);
  });
});

it('goes by the clock and the timers of its process where none are given', async () => {
  const pacer = world.process({ maxRps: 20, now: undefined, later: undefined });
  const { signal } = new AbortController();
  const admit = () => pacer.admit({ operation: 'create', signal });
  const all = await Promise.all(Array.from({ length: 4 }, admit));
  expect(all).toEqual(all.map(() => ({ admitted: true })));
});

it.each([undefined, 10])('a look writes nothing below a ceiling of %s', async (maxRps) => {
  await world.process({ maxRps }).state();
  expect(await world.isStored()).toBe(false);
});

describe('without a ceiling and a 429', () => {
  it('a request writes nothing until it has passed', async () => {
    const pacer = world.process();
    world.ask(pacer);
    await world.settle();
    expect(await world.isStored()).toBe(false);
    world.answer(pacer, OK);
    await world.pass(1000);
    world.ask(pacer);
    await world.settle();
    expect(await world.isStored()).toBe(true);
  });

  it('Redis is asked once a second, however many requests leave', async () => {
    const pacer = world.process();
    let admitted = 0;
    const before = world.calls();
    for (let n = 0; n < 500; n += 1) {
      world.ask(pacer, {
        onAdmitted() {
          admitted += 1;
          world.answer(pacer, OK);
        },
      });
      if (n % 5 === 4) await world.pass(10);
    }
    expect(admitted).toBe(500);
    expect(world.calls() - before).toBeLessThanOrEqual(2);
    expect(await pacer.state()).toEqual({});
  });

  it('a process starts with five requests at once, and more as they pass', async () => {
    const pacer = world.process();
    const requests = Array.from({ length: 50 }, () => world.ask(pacer));
    const admitted = () => requests.filter(({ admittedAt }) => admittedAt !== undefined).length;
    await world.settle();
    expect(admitted()).toBe(5);
    for (let n = 0; n < 5; n += 1) world.answer(pacer, OK);
    await world.settle();
    expect(admitted()).toBe(10);
    for (let n = 0; n < 5; n += 1) world.answer(pacer, OK);
    await world.settle();
    expect(admitted()).toBe(16);
  });
});

describe('the rate', () => {
  it('rises while requests wait for it, and only then', async () => {
    const pacer = world.process();
    await refuse(world, pacer);
    const { ratePerS: first = 0 } = await pacer.state();
    for (let n = 0; n < 20; n += 1) {
      world.ask(pacer);
      await world.pass(1000);
      world.answer(pacer, OK);
    }
    expect((await pacer.state()).ratePerS).toBeCloseTo(first);
    const rates = [first];
    for (let n = 0; n < 3; n += 1) {
      await keepBusy(world, pacer, 10_000);
      rates.push((await pacer.state()).ratePerS ?? 0);
    }
    // From half to the whole in 30 seconds, in a straight line.
    for (const [n, rate] of rates.entries())
      expect(Math.abs(rate - first * (1 + n / 3))).toBeLessThan(0.1 * first);
  });

  it('does not rise beyond the ceiling', async () => {
    const pacer = world.process({ maxRps: 6 });
    await refuse(world, pacer);
    await keepBusy(world, pacer, 60_000);
    expect((await pacer.state()).ratePerS).toBe(6);
  });

  it.each([1000, undefined])(
    'uses 60 in 100 of a limit of 50 a second, with less than 2 in 100 refused, over five minutes (Retry-After: %s)',
    async (retryAfterMs) => {
      const admits = windowOf(50, 1000);
      let passed = 0;
      let refused = 0;
      const loop = async (pacer: Pacer) => {
        for (;;) {
          const admission = await pacer.admit({ operation: 'create', signal: new AbortController().signal });
          if (!admission.admitted) {
            await new Promise<void>((resolve) => void world.later(admission.retryAfterMs, resolve));
            continue;
          }
          const isAdmitted = admits(world.now());
          if (isAdmitted) passed += 1;
          else refused += 1;
          await new Promise<void>((resolve) => void world.later(20, resolve));
          world.answer(pacer, { ...(isAdmitted ? OK : { ...TOO_MANY, retryAfterMs }), durationMs: 20 });
        }
      };
      for (const pacer of [world.process(), world.process(), world.process()]) {
        for (let n = 0; n < 50; n += 1) void loop(pacer);
      }
      await world.pass(30_000);
      passed = 0;
      await world.pass(270_000);
      expect(passed).toBeGreaterThanOrEqual(50 * 270 * 0.6);
      expect(refused).toBeLessThan(0.02 * (passed + refused));
    },
    120_000,
  );
});

describe('a request that waits', () => {
  it('is refused after five seconds, and told how long the pause still lasts', async () => {
    const pacer = world.process();
    await refuse(world, pacer, 60_000);
    const request = world.ask(pacer);
    await world.pass(4900);
    expect(request).toEqual({});
    await world.pass(200);
    expect(request.refused?.retryAfterMs).toBeGreaterThanOrEqual(54_000);
    expect(request.refused?.retryAfterMs).toBeLessThanOrEqual(55_000);
  });

  // At one a second, processes that all slept for the longest time would wake in the same order each time.
  it.each([
    [10, 120],
    [1, 600],
  ])('gets its slot about as soon in every process, at %s a second', async (maxRps, seconds) => {
    const fleet = Array.from({ length: 3 }, () => world.process({ maxRps }));
    const admitted = fleet.map(() => 0);
    const loop = async (pacer: Pacer, index: number) => {
      for (;;) {
        const admission = await pacer.admit({ operation: 'create', signal: new AbortController().signal });
        if (!admission.admitted) continue;
        admitted[index] = (admitted[index] ?? 0) + 1;
        world.answer(pacer, OK);
      }
    };
    for (const [index, pacer] of fleet.entries()) for (let n = 0; n < 20; n += 1) void loop(pacer, index);
    await world.pass(seconds * 1000);
    for (const count of admitted) expect(count).toBeGreaterThan(0.6 * ((seconds * maxRps) / 3));
  });

  it('is served at once where the process got all that it wanted a moment ago', async () => {
    const pacer = world.process({ maxRps: 100 });
    world.ask(pacer);
    await world.pass(21);
    const request = world.ask(pacer);
    await world.settle();
    expect(request.admittedAt).toBe(world.now());
  });

  it('is refused at once where its signal has fired already', async () => {
    const request = world.ask(world.process(), { signal: AbortSignal.abort() });
    await world.settle();
    expect(request).toEqual({ refused: { admitted: false, retryAfterMs: 0 } });
  });

  it('leaves the line when its signal fires', async () => {
    const pacer = world.process({ maxRps: 0.5 });
    world.ask(pacer);
    const abort = new AbortController();
    const given = world.ask(pacer, { signal: abort.signal });
    const next = world.ask(pacer);
    await world.settle();
    abort.abort();
    await world.pass(2000);
    expect(given.refused).toBeDefined();
    expect(next.admittedAt).toBeDefined();
  });

  it('is not sent while Redis is silent, and leaves when its signal fires', async () => {
    const silent = () => new Promise<never>(() => {});
    const connection = { defineCommand: (name: string) => void Reflect.set(connection, name, silent) };
    const pacer = world.process({ connection });
    const abort = new AbortController();
    const [given, kept] = [world.ask(pacer, { signal: abort.signal }), world.ask(pacer)];
    await world.pass(1000);
    abort.abort();
    await world.settle();
    expect(given.refused).toBeDefined();
    expect(kept).toEqual({});
    await world.pass(5000);
    expect(kept.refused?.retryAfterMs).toBeGreaterThan(0);
  });
});
