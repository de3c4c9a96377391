import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { atMost, inMemoryLoginBudget } from '../../src/damoov/login-budget.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

test('no rolling hour and no rolling minute ever sees more logins than allowed', async () => {
  const steps = fc.array(fc.oneof(fc.nat(2_000), fc.nat(10 * minuteMs), fc.nat(hourMs)), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 12 }), async (waits, loginsPerHour) => {
      let now = 0;
      const budget = inMemoryLoginBudget({ loginsPerHour, now: () => now });
      const granted: number[] = [];
      for (const wait of waits) {
        now += wait;
        if ((await budget.take()).granted) granted.push(now);
      }
      for (const end of granted) {
        expect(granted.filter((at) => at <= end && at > end - hourMs).length).toBeLessThanOrEqual(
          loginsPerHour,
        );
        expect(granted.filter((at) => at <= end && at > end - minuteMs).length).toBeLessThanOrEqual(4);
      }
    }),
    { numRuns: 200 },
  );
});

test('what it says to wait is just long enough', async () => {
  let now = 0;
  const budget = inMemoryLoginBudget({ loginsPerHour: 6, now: () => now });
  for (let login = 0; login < 12; login += 1) {
    const grant = await budget.take();
    if (grant.granted) continue;
    now += grant.retryAfterMs - 1;
    expect(await budget.take()).toEqual({ granted: false, retryAfterMs: 1 });
    now += 1;
    expect(await budget.take()).toEqual({ granted: true });
  }
});

test('a bar holds to its end, and a shorter one does not cut it', async () => {
  let now = 0;
  const budget = inMemoryLoginBudget({ now: () => now });
  await budget.bar(hourMs);
  await budget.bar(1_000);
  now = hourMs - 1;
  expect(await budget.take()).toEqual({ granted: false, retryAfterMs: 1 });
  now = hourMs;
  expect(await budget.take()).toEqual({ granted: true });
});

test('a budget of one grants one, and again once it is given back', async () => {
  const budget = inMemoryLoginBudget({ loginsPerHour: 1 });
  expect(await budget.take()).toEqual({ granted: true });
  expect(await budget.take()).toMatchObject({ granted: false });
  await budget.giveBack?.();
  expect(await budget.take()).toEqual({ granted: true });
});

test('a budget of none grants none', async () => {
  expect(await inMemoryLoginBudget({ loginsPerHour: 0 }).take()).toMatchObject({ granted: false });
});

test('a client that may log in so often takes no more of the budget, and a grant given back counts again', async () => {
  const budget = inMemoryLoginBudget();
  const own = atMost(1, budget);
  expect(await own.take()).toEqual({ granted: true });
  expect(await own.take()).toMatchObject({ granted: false });
  await own.giveBack?.();
  expect(await own.take()).toEqual({ granted: true });
  expect(await budget.take()).toEqual({ granted: true });
  expect(await atMost(0, budget).take()).toMatchObject({ granted: false });
  // Without pauses of its own the budget leaves them to the session.
  expect(own).not.toHaveProperty('failed');
});

test('a budget that is taken from by several hears from each what became of its logins', async () => {
  const heard: string[] = [];
  const own = atMost(2, {
    take: async () => ({ granted: true }),
    bar: async (ms) => void heard.push(`bar ${ms}`),
    failed: async () => void heard.push('failed'),
    refused: async () => void heard.push('refused'),
    giveBack: async () => void heard.push('give back'),
  });
  await own.bar(7);
  await own.failed?.();
  await own.refused?.();
  await own.giveBack?.();
  expect(heard).toEqual(['bar 7', 'failed', 'refused', 'give back']);
});
