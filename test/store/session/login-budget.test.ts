import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { connect, createSessionWorld } from './session-world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** So much longer than a minute and an hour the windows are, for a login that is late. */
const lateMs = 10_000;

/** Budgets of several processes, by a clock that only the test moves. */
function createFleet() {
  const world = createSessionWorld();
  const clock = { now: 1_800_000_000_000 };
  return {
    ...world,
    clock,
    budget: (options: Parameters<typeof world.budget>[0] = {}) =>
      world.budget({ now: () => clock.now, ...options }),
    keys: () => world.redis.keys(`${world.prefix}*`),
  };
}

type Budget = ReturnType<ReturnType<typeof createFleet>['budget']>;

/** How many of so many takes are granted. */
async function granted(budget: Budget, takes: number): Promise<number> {
  let count = 0;
  for (let take = 0; take < takes; take += 1) if ((await budget.take()).granted) count += 1;
  return count;
}

test('no rolling hour and no rolling minute sees more logins than allowed, whatever befalls the fleet', async () => {
  const processes = 3;
  const step = fc.record({
    waitMs: fc.oneof(fc.nat(2_000), fc.nat(2 * minuteMs), fc.nat(hourMs), fc.constant(minuteMs)),
    by: fc.nat(processes - 1),
    /** How much later than it was granted a login reaches Damoov. */
    isLateMs: fc.nat(lateMs - 1),
    act: fc.oneof(
      { weight: 8, arbitrary: fc.constant('take' as const) },
      fc.constantFrom('take and give back', 'refused', 'bar', 'crash' as const),
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom('a process', 'Redis'),
      async (steps, loginsPerHour, whatCrashes) => {
        const fleet = createFleet();
        const start = (by: number) => fleet.budget({ loginsPerHour, fingerprint: `f-${by}` });
        const budgets = Array.from({ length: processes }, (_, by) => start(by));
        const arrivals: number[] = [];
        const bars: { from: number; to: number }[] = [];
        for (const { waitMs, by, isLateMs, act } of steps) {
          fleet.clock.now += waitMs;
          const budget = budgets[by];
          if (budget === undefined) throw new Error('no such process');
          if (act === 'take' && (await budget.take()).granted) {
            arrivals.push(fleet.clock.now + isLateMs);
            expect(bars.every(({ from, to }) => fleet.clock.now < from || fleet.clock.now >= to)).toBe(true);
          }
          if (act === 'take and give back' && (await budget.take()).granted) await budget.giveBack();
          if (act === 'refused') await budget.refused();
          if (act === 'bar') {
            await budget.bar(isLateMs * 100);
            bars.push({ from: fleet.clock.now, to: fleet.clock.now + isLateMs * 100 });
          }
          if (act === 'crash' && whatCrashes === 'a process') budgets[by] = start(by);
          if (act === 'crash' && whatCrashes === 'Redis') {
            await fleet.redis.del(...(await fleet.keys()), 'none');
            // The processes have lost their connection, and speak up as it is back.
            await Promise.all(budgets.map((each) => each.restore()));
          }
        }
        for (const end of arrivals) {
          const within = (ms: number) => arrivals.filter((at) => at <= end && at > end - ms).length;
          expect(within(minuteMs)).toBeLessThanOrEqual(4);
          expect(within(hourMs)).toBeLessThanOrEqual(loginsPerHour);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('the logins of all processes count, those of dead ones too', async () => {
  const fleet = createFleet();
  for (let process = 0; process < 4; process += 1) expect(await granted(fleet.budget(), 1)).toBe(1);
  expect(await fleet.budget().take()).toEqual({ granted: false, retryAfterMs: hourMs + lateMs });
});

test('what it says to wait is just long enough', async () => {
  const fleet = createFleet();
  const budget = fleet.budget({ loginsPerHour: 6 });
  for (let login = 0; login < 12; login += 1) {
    const grant = await budget.take();
    if (grant.granted) continue;
    fleet.clock.now += grant.retryAfterMs - 1;
    expect(await budget.take()).toEqual({ granted: false, retryAfterMs: 1 });
    fleet.clock.now += 1;
    expect(await budget.take()).toEqual({ granted: true });
  }
});

test('four a minute are the most, however large the budget of an hour is', async () => {
  const fleet = createFleet();
  expect(await granted(fleet.budget({ loginsPerHour: 1000 }), 10)).toBe(4);
  fleet.clock.now += minuteMs + lateMs - 1;
  expect(await granted(fleet.budget({ loginsPerHour: 1000 }), 10)).toBe(0);
  fleet.clock.now += 1;
  expect(await granted(fleet.budget({ loginsPerHour: 1000 }), 10)).toBe(4);
});

test('each process applies its own limit to the logins of all', async () => {
  const fleet = createFleet();
  expect(await granted(fleet.budget({ loginsPerHour: 2 }), 5)).toBe(2);
  expect(await granted(fleet.budget({ loginsPerHour: 3 }), 5)).toBe(1);
  expect(await granted(fleet.budget({ loginsPerHour: 2 }), 5)).toBe(0);
  expect(await granted(fleet.budget({ loginsPerHour: 0 }), 5)).toBe(0);
});

test('a bar holds for everybody to its end, and a shorter one does not cut it', async () => {
  const fleet = createFleet();
  const until = fleet.clock.now + hourMs;
  await fleet.budget().bar(hourMs);
  await fleet.budget().bar(1_000);
  expect(await fleet.budget().state()).toEqual({ left: 4, barredUntil: until });
  fleet.clock.now = until - 1;
  expect(await fleet.budget().take()).toEqual({ granted: false, retryAfterMs: 1 });
  fleet.clock.now = until;
  expect(await fleet.budget().state()).toEqual({ left: 4 });
  expect(await fleet.budget().take()).toEqual({ granted: true });
});

test('each login without a decision makes all pause longer, up to a quarter of an hour', async () => {
  const fleet = createFleet();
  for (const pauseMs of [2000, 30_000, 5 * minuteMs, 15 * minuteMs, 15 * minuteMs]) {
    await fleet.budget().failed();
    expect((await fleet.budget().state()).barredUntil).toBe(fleet.clock.now + pauseMs);
    fleet.clock.now += pauseMs;
  }
  expect(await fleet.redis.ttl(`${fleet.prefix}:logins:failed`)).toBeGreaterThan(3500);
});

test('a grant that is given back is free again', async () => {
  const fleet = createFleet();
  const budget = fleet.budget({ loginsPerHour: 2 });
  for (let login = 0; login < 5; login += 1) {
    expect(await budget.take()).toEqual({ granted: true });
    await budget.giveBack();
  }
  expect(await budget.state()).toEqual({ left: 2 });
  await budget.giveBack();
  expect(await budget.state()).toEqual({ left: 2 });
});

describe('refused credentials', () => {
  test.each([
    [4, 3, 1],
    [3, 2, 1],
    [2, 1, 1],
    [1, 1, 0],
  ])('of %i logins get %i, and leave %i to those that replace them', async (loginsPerHour, most, left) => {
    const fleet = createFleet();
    const wrong = () => fleet.budget({ loginsPerHour, fingerprint: 'wrong' });
    expect(await granted(wrong(), 1)).toBe(1);
    await wrong().refused();
    expect((await wrong().state()).left).toBe(most - 1);
    expect(await granted(wrong(), 5)).toBe(most - 1);
    const right = fleet.budget({ loginsPerHour, fingerprint: 'right' });
    expect((await right.state()).left).toBe(left);
    expect(await granted(right, 5)).toBe(left);
  });

  test('have the whole budget again an hour after the refusal', async () => {
    const fleet = createFleet();
    const budget = fleet.budget({ loginsPerHour: 2 });
    await budget.refused();
    fleet.clock.now += hourMs;
    expect((await fleet.budget({ loginsPerHour: 2 }).state()).left).toBe(2);
    expect((await budget.state()).left).toBe(2);
  });
});

describe('a session that others have ended', () => {
  test('counts for an hour, by credentials, and whoever met it is told how many there were', async () => {
    const fleet = createFleet();
    const told: number[] = [];
    const one = fleet.budget({ onRevoked: (withinHour) => told.push(withinHour) });
    expect(await one.state()).toEqual({ left: 4 });
    await fleet.budget().revoked();
    fleet.clock.now += hourMs - 1;
    await one.revoked();
    expect(told).toEqual([2]);
    expect(await fleet.budget().state()).toEqual({ left: 4, revoked: 2 });
    expect(await fleet.budget({ fingerprint: 'other' }).state()).toEqual({ left: 4 });
    fleet.clock.now += 1;
    expect(await one.state()).toEqual({ left: 4, revoked: 1 });
  });

  test('counts once where the reply is lost', async () => {
    const fleet = createFleet();
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const isLost = proxy.dropReplies(1, fleet.prefix);
    await fleet.budget({ connection: connect(proxy.url) }).revoked();
    await isLost;
    expect(await fleet.budget().state()).toEqual({ left: 4, revoked: 1 });
  });
});

describe('what Redis has lost', () => {
  test('is added again by the process that remembers it: grants, bar and refusal', async () => {
    const fleet = createFleet();
    const budget = fleet.budget();
    await granted(budget, 2);
    fleet.clock.now += 20 * minuteMs;
    await budget.refused();
    await budget.bar(hourMs);
    const before = await fleet.budget().state();
    expect(before).toEqual({ left: 1, barredUntil: fleet.clock.now + hourMs });
    await fleet.redis.del(...(await fleet.keys()));
    expect(await budget.state()).toEqual(before);
    expect(await fleet.budget().state()).toEqual(before);
    // At the time they had, not at a new one.
    fleet.clock.now += 40 * minuteMs + lateMs;
    expect((await fleet.budget({ fingerprint: 'other' }).state()).left).toBe(4);
  });

  test('is added again by the next look, though Redis gives no sign: grants and bar', async () => {
    const fleet = createFleet();
    const budget = fleet.budget();
    await granted(budget, 2);
    const keys = async () => (await fleet.keys()).map((key) => key.slice(fleet.prefix.length)).sort();
    const before = await keys();
    await fleet.redis.del(...(await fleet.keys()));
    await budget.restore();
    expect(await keys()).toEqual(before);
    await budget.bar(hourMs);
    await fleet.redis.del(`${fleet.prefix}:logins:barred`);
    await budget.restore();
    expect(await fleet.redis.exists(`${fleet.prefix}:logins:barred`)).toBe(1);
  });

  test('is added again also where as many other grants are there by now', async () => {
    const fleet = createFleet();
    const budget = fleet.budget();
    await granted(budget, 2);
    await fleet.redis.del(...(await fleet.keys()));
    await granted(fleet.budget(), 2);
    await budget.restore();
    expect((await fleet.budget().state()).left).toBe(0);
  });

  test('is added again as soon as Redis is back, before anybody asks', async () => {
    const fleet = createFleet();
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    await granted(fleet.budget({ connection: connect(proxy.url) }), 3);
    await proxy.sever();
    await fleet.redis.del(...(await fleet.keys()));
    await proxy.restore();
    await expect.poll(async () => (await fleet.budget().state()).left).toBe(1);
  });

  test('is added again by whoever has asked since, also where the process is gone that logged in or was barred', async () => {
    const fleet = createFleet();
    const gone = fleet.budget();
    await granted(gone, 3);
    await gone.bar(hourMs);
    fleet.clock.now += minuteMs + 1;
    const failureDetector = fleet.budget({ fingerprint: 'other' });
    const before = await failureDetector.state();
    expect(before).toEqual({ left: 1, barredUntil: fleet.clock.now - 1 + hourMs - minuteMs });
    await fleet.redis.del(...(await fleet.keys()));
    fleet.clock.now += minuteMs;
    expect(await failureDetector.state()).toEqual(before);
    expect(await fleet.budget().state()).toEqual(before);
    // At the time they had, not at a new one.
    fleet.clock.now += 59 * minuteMs + lateMs;
    expect(await fleet.budget().state()).toEqual({ left: 4 });
    expect(await failureDetector.state()).toEqual({ left: 4 });
  });

  test('is not added again by others where the process that was granted it may still give it back', async () => {
    const fleet = createFleet();
    const budget = fleet.budget();
    await granted(budget, 1);
    const failureDetector = fleet.budget();
    fleet.clock.now += minuteMs;
    expect(await failureDetector.state()).toEqual({ left: 3 });
    await budget.giveBack();
    expect(await failureDetector.state()).toEqual({ left: 4 });
  });

  test('is not added again where it was given back', async () => {
    const fleet = createFleet();
    const budget = fleet.budget();
    await granted(budget, 2);
    await budget.giveBack();
    await fleet.redis.del(...(await fleet.keys()));
    expect(await budget.state()).toEqual({ left: 3 });
  });
});

test('a restore has nothing to do once the grants have stopped to count', async () => {
  const fleet = createFleet();
  const connection = connect();
  const budget = fleet.budget({ connection });
  await granted(budget, 2);
  fleet.clock.now += hourMs + lateMs;
  await budget.state();
  const change = vi.spyOn(connection as unknown as Record<string, () => void>, 'damoov:change');
  await budget.restore();
  expect(change).not.toHaveBeenCalled();
});

test('a take whose reply is lost counts once', async () => {
  const fleet = createFleet();
  const proxy = await startTcpProxy(inject('redisUrl'));
  onTestFinished(() => proxy.close());
  const connection = connect(proxy.url);
  const isLost = proxy.dropReplies(2, fleet.prefix);
  expect(await fleet.budget({ connection }).take()).toEqual({ granted: true });
  await isLost;
  expect(await fleet.budget().state()).toEqual({ left: 3 });
});

test('a grant that comes within five seconds is one; a later one is none, and is free again', async () => {
  const fleet = createFleet();
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const connection = connect();
  const budget = fleet.budget({ connection });
  await budget.state();
  const scripts = connection as unknown as Record<string, (args: unknown[]) => Promise<unknown>>;
  const ask = scripts['damoov:change']?.bind(connection);
  const takeAfter = (ms: number) => {
    vi.spyOn(scripts, 'damoov:change').mockImplementationOnce(async (args) => {
      const answer = await ask?.(args);
      vi.advanceTimersByTime(ms);
      return answer;
    });
    return budget.take();
  };
  expect(await takeAfter(5_001)).toEqual({ granted: false, retryAfterMs: 1_000 });
  expect(await budget.state()).toEqual({ left: 4 });
  expect(await takeAfter(5_000)).toEqual({ granted: true });
});

test('without an answer of Redis nobody logs in', async () => {
  const fleet = createFleet();
  const proxy = await startTcpProxy(inject('redisUrl'));
  onTestFinished(() => proxy.close());
  const connection = new Redis(proxy.url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  connection.on('error', () => {});
  onTestFinished(() => connection.disconnect());
  const budget = fleet.budget({ connection });
  expect(await budget.take()).toEqual({ granted: true });
  await proxy.sever();
  await expect(budget.take()).rejects.toThrow();
  await expect(budget.bar(hourMs)).rejects.toThrow();
});

test('the clock is that of Redis, and no process can hurry it', async () => {
  const world = createSessionWorld();
  expect(await granted(world.budget(), 5)).toBe(4);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * hourMs });
  onTestFinished(() => void vi.useRealTimers());
  expect(await granted(world.budget(), 1)).toBe(0);
});

test('a clock that was set back makes nobody wait longer than the hour, and grants nothing', async () => {
  const fleet = createFleet();
  await granted(fleet.budget(), 4);
  fleet.clock.now -= 5 * hourMs;
  expect(await fleet.budget().take()).toEqual({ granted: false, retryAfterMs: hourMs + lateMs });
});

test('its keys go when they have stopped to matter, and name nobody', async () => {
  const fleet = createFleet();
  const budget = fleet.budget();
  await granted(budget, 1);
  await budget.refused();
  await budget.revoked();
  await budget.bar(2 * hourMs);
  const keys = await fleet.keys();
  expect(keys.sort()).toEqual(
    ['', ':barred', ':refused', ':revoked:fingerprint'].map((name) => `${fleet.prefix}:logins${name}`),
  );
  for (const key of keys) {
    const ttlMs = await fleet.redis.pttl(key);
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(key.endsWith('barred') ? 2 * hourMs : hourMs + lateMs);
  }
});
