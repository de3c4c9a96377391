import { beforeEach, describe, expect, it } from 'vitest';
import { OK, type PacerWorld, TOO_MANY, createPacerWorld, keepBusy, refuse } from './pacer-world.ts';

let world: PacerWorld;
beforeEach(async () => {
  world = createPacerWorld();
  await world.begin();
});

describe('a 429', () => {
  it('halves the rate for every process', async () => {
    const [one, other] = [world.process(), world.process()];
    await refuse(world, one);
    // Nothing has passed yet: then the rate before is taken to be a hundred.
    expect((await other.state()).ratePerS).toBeCloseTo(50);
    await keepBusy(world, other, 10_000);
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
      await refuse(world, pacer);
      await keepBusy(world, pacer, 4000);
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

  it('counts once for all processes that had requests under way, and only its Retry-After is news', async () => {
    const [one, other] = [world.process(), world.process()];
    for (const pacer of [one, other, other]) world.ask(pacer);
    await world.pass(100);
    for (const pacer of [one, other]) {
      world.answer(pacer, { ...TOO_MANY, durationMs: 100 });
      await world.settle();
    }
    expect(await one.state()).toMatchObject({ pausedUntil: world.now() + 500 });
    world.answer(other, { ...TOO_MANY, durationMs: 100, retryAfterMs: 3000 });
    await world.settle();
    expect(await one.state()).toMatchObject({ pausedUntil: world.now() + 3000 });
    expect((await one.state()).ratePerS).toBeCloseTo(50);
  });

  it('that comes while Redis is asked for slots is told at once', async () => {
    const pacer = world.process();
    world.ask(pacer);
    await world.pass(1000);
    world.ask(pacer);
    world.answer(pacer, TOO_MANY);
    await world.settle();
    expect((await pacer.state()).ratePerS).toBeCloseTo(50);
  });

  it('after a pause in which nothing passed makes the pause longer, and does not lower the rate again', async () => {
    const pacer = world.process();
    for (let n = 0; n < 5; n += 1) world.ask(pacer);
    await world.pass(100);
    world.answer(pacer, { ...TOO_MANY, durationMs: 100 });
    // They were sent before the pause: the limit was open then.
    for (let n = 0; n < 4; n += 1) world.answer(pacer, { ...OK, durationMs: 100 });
    await refuse(world, pacer);
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
    await refuse(world, one, 3000);
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
    await refuse(world, pacer, 86_400_000);
    expect((await pacer.state()).pausedUntil).toBe(world.now() + 3_600_000);
  });

  it('without Retry-After pauses for longer each time, up to a minute, until a request passes', async () => {
    const pacer = world.process();
    const pauses: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      await refuse(world, pacer);
      pauses.push(((await pacer.state()).pausedUntil ?? 0) - world.now());
    }
    expect(pauses.map(Math.round)).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
    await world.pass(60_000);
    await keepBusy(world, pacer, 1000);
    await refuse(world, pacer);
    expect((await pacer.state()).pausedUntil).toBe(world.now() + 500);
  });

  it('is forgotten after ten minutes without another', async () => {
    const pacer = world.process();
    await refuse(world, pacer);
    await world.pass(599_000);
    expect((await pacer.state()).ratePerS).toBeCloseTo(50);
    await world.pass(3000);
    world.ask(pacer);
    await world.pass(1000);
    expect(await pacer.state()).toEqual({});
  });
});
