import { expect, it } from 'vitest';
import type { Notification } from '../../src/ops/notifications.ts';
import { createSettledCounter } from '../../src/ops/settled-in-time.ts';

const MINUTE_MS = 60_000;

function ended(sinceDueMs: number, next = 'complete'): Notification {
  return { is: 'run-ended', run: { decision: { next }, sinceDueMs } } as unknown as Notification;
}

it('late jobs count in each window until it has passed, and burn what the goal leaves', () => {
  let now = 1_000 * MINUTE_MS;
  const counter = createSettledCounter(() => now);
  const read = () =>
    Object.fromEntries(counter.read().windows.map(({ minutes, ...window }) => [minutes, window]));
  expect(read()[5]).toEqual({ settled: 0, late: 0, burnRate: undefined, isBurning: false });
  for (let n = 0; n < 80; n += 1) counter.count(ended(MINUTE_MS));
  for (let n = 0; n < 20; n += 1) counter.count(ended(MINUTE_MS + 1, 'fail'));
  counter.count(ended(MINUTE_MS * 9, 'retry'));
  counter.count({ is: 'redis-ready' });
  for (const minutes of [5, 30, 60, 360])
    expect(read()[minutes]).toEqual({
      settled: 100,
      late: 20,
      burnRate: expect.closeTo(20),
      isBurning: true,
    });
  now += 5 * MINUTE_MS;
  counter.count(ended(0));
  expect(read()).toMatchObject({ 5: { settled: 1, late: 0, burnRate: 0 }, 30: { settled: 101, late: 20 } });
  now += 355 * MINUTE_MS;
  counter.count(ended(0));
  expect(read()[360]).toMatchObject({ settled: 2, late: 0 });
  expect(counter.read().since).toBe(1_000 * MINUTE_MS);
});
