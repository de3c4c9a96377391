import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Pacer } from '../../../src/store/rate/pacer.ts';
import { OK, type PacerWorld, TOO_MANY, createPacerWorld, windowOf } from './pacer-world.ts';

let world: PacerWorld;
beforeEach(async () => {
  world = createPacerWorld();
  await world.begin();
});

/** A 429 to a request that was sent just now. */
async function refuse(pacer: Pacer, retryAfterMs?: number): Promise<void> {
  let request = world.ask(pacer);
  while (request.admittedAt === undefined) {
    await world.pass(1000);
    if (request.refused !== undefined) request = world.ask(pacer);
  }
  world.answer(pacer, { ...TOO_MANY, retryAfterMs });
  await world.settle();
}

/** Requests one after the other, each answered at once, until the time is over. */
async function keepBusy(pacer: Pacer, ms: number): Promise<number> {
  let admitted = 0;
  const end = world.now() + ms;
  const loop = async () => {
    while (world.now() < end) {
      const admission = await pacer.admit({ operation: 'create', signal: new AbortController().signal });
      if (!admission.admitted) continue;
      admitted += 1;
      world.answer(pacer, OK);
    }
  };
  for (let n = 0; n < 20; n += 1) void loop();
  await world.pass(ms);
  return admitted;
}

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
    await keepBusy(pacer, 5000);
    expect(await keepBusy(pacer, 20_000)).toBeGreaterThanOrEqual(40 * 20 * 0.95);
  });

  it('asks Redis about ten times a second where many requests wait', async () => {
    const pacer = world.process({ maxRps: 100 });
    await keepBusy(pacer, 10_000);
    expect(world.calls()).toBeLessThanOrEqual(150);
  });
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

describe('a 429', () => {
  it('halves the rate for every process', async () => {
    const [one, other] = [world.process(), world.process()];
    await refuse(one);
    // Nothing has passed yet: then the rate before is taken to be a hundred.
    expect((await other.state()).ratePerS).toBeCloseTo(50);
    await keepBusy(other, 10_000);
    const { ratePerS: before = 0 } = await one.state();
    world.answer(other, TOO_MANY);
    await world.settle();
    const { ratePerS = 0 } = await one.state();
    expect(ratePerS / before).toBeCloseTo(0.5);
  });

  it.each([undefined, 1000])(
    'first halves what the fleet has sent lately, below a ceiling of %s',
    async (maxRps) => {
      const fleet = [world.process({ maxRps }), world.process({ maxRps })] as const;
      for (let n = 0; n < 300; n += 1) {
        for (const pacer of fleet) world.ask(pacer, { onAdmitted: () => world.answer(pacer, OK) });
        await world.pass(10);
      }
      world.answer(fleet[0], TOO_MANY);
      await world.settle();
      const { ratePerS = 0 } = await fleet[1].state();
      expect(ratePerS).toBeGreaterThan(100 * 0.8);
      expect(ratePerS).toBeLessThan(100 * 1.2);
    },
  );

  it('never halves to less than one request in two seconds', async () => {
    const pacer = world.process();
    for (let n = 0; n < 12; n += 1) {
      await refuse(pacer);
      await keepBusy(pacer, 4000);
    }
    const { ratePerS = 0 } = await pacer.state();
    expect(ratePerS).toBeGreaterThanOrEqual(0.5);
    expect(ratePerS).toBeLessThan(0.7);
  });

  it('that Redis could not be told of holds every request back until Redis knows', async () => {
    let isAway = false;
    const fail = async () => Promise.reject(new Error('away'));
    const connection = world.connectionWith((call) => (isAway ? fail() : call()));
    const pacer = world.process({ connection });
    const first = world.ask(pacer);
    await world.settle();
    expect(first.admittedAt).toBeDefined();
    isAway = true;
    world.answer(pacer, TOO_MANY);
    const next = world.ask(pacer);
    await world.pass(3000);
    expect(next).toEqual({});
    isAway = false;
    await world.pass(1990);
    expect(next.admittedAt).toBeDefined();
    expect((await pacer.state()).ratePerS).toBeCloseTo(50, 0);
  });

  it('counts once for all requests that were under way', async () => {
    const pacer = world.process();
    for (let n = 0; n < 5; n += 1) world.ask(pacer);
    await world.pass(100);
    for (let n = 0; n < 5; n += 1) world.answer(pacer, { ...TOO_MANY, durationMs: 100 });
    await world.settle();
    const { ratePerS } = await pacer.state();
    expect(ratePerS).toBeCloseTo(50);
  });

  it('after a pause in which nothing passed makes the pause longer, and does not lower the rate again', async () => {
    const pacer = world.process();
    for (let n = 0; n < 5; n += 1) world.ask(pacer);
    await world.pass(100);
    world.answer(pacer, { ...TOO_MANY, durationMs: 100 });
    // They were sent before the pause: the limit was open then.
    for (let n = 0; n < 4; n += 1) world.answer(pacer, { ...OK, durationMs: 100 });
    await refuse(pacer);
    const { ratePerS, pausedUntil } = await pacer.state();
    expect(ratePerS).toBeCloseTo(50);
    expect(pausedUntil).toBe(world.now() + 1000);
  });

  it('to a login changes nothing', async () => {
    const pacer = world.process();
    world.ask(pacer);
    await world.settle();
    world.answer(pacer, { ...TOO_MANY, operation: 'login' });
    await world.settle();
    expect(await pacer.state()).toEqual({});
  });

  it('pauses the whole fleet for as long as Retry-After says', async () => {
    const [one, other] = [world.process(), world.process()];
    await refuse(one, 3000);
    const resumesAt = world.now() + 3000;
    expect((await other.state()).pausedUntil).toBeCloseTo(resumesAt);
    const requests = [world.ask(one), world.ask(other)];
    await world.pass(10_000);
    for (const { admittedAt } of requests) expect(admittedAt).toBeGreaterThanOrEqual(resumesAt);
  });

  it('keeps back also those that have their slots already', async () => {
    const pacer = world.process({ maxRps: 40 });
    const requests = Array.from({ length: 5 }, () => world.ask(pacer));
    const admitted = () => requests.filter(({ admittedAt }) => admittedAt !== undefined).length;
    await world.pass(30);
    const before = admitted();
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(5);
    world.answer(pacer, { ...TOO_MANY, retryAfterMs: 3000 });
    await world.pass(2900);
    expect(admitted()).toBe(before);
    await world.pass(1000);
    expect(admitted()).toBe(5);
  });

  it('with a Retry-After of a day pauses for an hour', async () => {
    const pacer = world.process();
    await refuse(pacer, 86_400_000);
    expect((await pacer.state()).pausedUntil).toBe(world.now() + 3_600_000);
  });

  it('without Retry-After pauses for longer each time, up to a minute, until a request passes', async () => {
    const pacer = world.process();
    const pauses: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      await refuse(pacer);
      pauses.push(((await pacer.state()).pausedUntil ?? 0) - world.now());
    }
    expect(pauses.map(Math.round)).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
    await world.pass(60_000);
    await keepBusy(pacer, 1000);
    await refuse(pacer);
    expect((await pacer.state()).pausedUntil).toBe(world.now() + 500);
  });

  it('is forgotten after ten minutes without another', async () => {
    const pacer = world.process();
    await refuse(pacer);
    await world.pass(599_000);
    expect((await pacer.state()).ratePerS).toBeCloseTo(50);
    await world.pass(3000);
    world.ask(pacer);
    await world.pass(1000);
    expect(await pacer.state()).toEqual({});
  });
});

describe('the rate', () => {
  it('rises while requests wait for it, and only then', async () => {
    const pacer = world.process();
    await refuse(pacer);
    const { ratePerS: first = 0 } = await pacer.state();
    for (let n = 0; n < 20; n += 1) {
      world.ask(pacer);
      await world.pass(1000);
      world.answer(pacer, OK);
    }
    expect((await pacer.state()).ratePerS).toBeCloseTo(first);
    const rates = [first];
    for (let n = 0; n < 3; n += 1) {
      await keepBusy(pacer, 10_000);
      rates.push((await pacer.state()).ratePerS ?? 0);
    }
    // From half to the whole in 30 seconds, in a straight line.
    for (const [n, rate] of rates.entries())
      expect(Math.abs(rate - first * (1 + n / 3))).toBeLessThan(0.1 * first);
  });

  it('does not rise beyond the ceiling', async () => {
    const pacer = world.process({ maxRps: 6 });
    await refuse(pacer);
    await keepBusy(pacer, 60_000);
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
    await refuse(pacer, 60_000);
    const request = world.ask(pacer);
    await world.pass(4900);
    expect(request).toEqual({});
    await world.pass(200);
    expect(request.refused?.retryAfterMs).toBeGreaterThanOrEqual(54_000);
    expect(request.refused?.retryAfterMs).toBeLessThanOrEqual(55_000);
  });

  it('gets its slot about as soon in every process', async () => {
    const fleet = Array.from({ length: 3 }, () => world.process({ maxRps: 10 }));
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
    await world.pass(120_000);
    for (const count of admitted) expect(count).toBeGreaterThan((120 * 10) / 3 / 2);
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
