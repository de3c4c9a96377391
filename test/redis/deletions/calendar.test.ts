import { describe, expect, it } from 'vitest';
import { createDeletionsCalendar } from '../../../src/redis/deletions/calendar.ts';
import { createWorld } from '../../support/world.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Due in the middle of a day in UTC, so many days from today. */
const dueOn = (name: string, day: number, count: number, now: number) =>
  Array.from({ length: count }, (_, n) => ({
    name,
    data: { clientId: `${name}-${day}-${n}` },
    opts: { delay: day * DAY_MS + DAY_MS / 2 - (now % DAY_MS), timestamp: now },
  }));

describe('the calendar of deletions', () => {
  it('counts the deletions of each day, what is overdue with today and the rest at the end', async () => {
    const { jobs } = await createWorld({ startsWorker: false });
    const calendar = createDeletionsCalendar(jobs, 5);
    const now = Date.now() - (Date.now() % DAY_MS) + 1000;
    await jobs.addBulk([
      ...dueOn('delete-user', 0, 2, now),
      ...dueOn('create-user', 1, 4, now),
      ...dueOn('delete-user', 1, 3, now),
      ...dueOn('delete-user', 5, 1, now),
      ...dueOn('delete-user', 400, 2, now),
    ]);
    const days = await calendar(now);
    expect(days.map(({ deletions }) => deletions)).toEqual([2, 3, 0, 0, 0, 3]);
    expect(days.every(({ isExact }) => isExact)).toBe(true);
    expect(days[1]?.from).toBe(now - 1000 + DAY_MS);
    expect((await calendar(now + 3 * DAY_MS)).map(({ deletions }) => deletions)).toEqual([5, 0, 1, 0, 0, 2]);
  });

  it('leaves out what was cancelled, and estimates a day that has more than are looked at', async () => {
    const { jobs, redis } = await createWorld({ startsWorker: false });
    const now = Date.now() - (Date.now() % DAY_MS) + 1000;
    await jobs.addBulk([...dueOn('delete-user', 1, 2, now), ...dueOn('delete-user', 2, 3000, now)]);
    const [cancelled] = await jobs.getDelayed(0, 0);
    await redis.hset(jobs.toKey(cancelled?.id ?? ''), 'cx', 1);
    const [, first, second] = await createDeletionsCalendar(jobs, 3)(now);
    expect(first).toMatchObject({ deletions: 1, isExact: true });
    expect(second).toMatchObject({ deletions: 3000, isExact: false });
  });
});
