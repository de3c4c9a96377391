import { expect, it } from 'vitest';
import { createDeletions } from '../../../src/store/deletions/deletions.ts';
import { createDueCounts } from '../../../src/store/deletions/due-counts.ts';
import { createWorld } from '../../support/world.ts';

const DAY_MS = 24 * 3600 * 1000;

/** A Redis with deletions that are due in the middle of a day in UTC, so many days from today. */
async function createDueWorld(...days: number[]) {
  const { jobs, prefix } = await createWorld({ startsWorker: false });
  const deletions = createDeletions({ jobs, prefix });
  const now = Date.now() - (Date.now() % DAY_MS) + 1000;
  for (const [n, day] of days.entries())
    await deletions.schedule({ clientId: `c-${n}` }, now + day * DAY_MS + DAY_MS / 2);
  return { jobs, deletions, now, counts: createDueCounts({ jobs, prefix }) };
}

it('counts the deletions of each day, what is overdue with today and the rest at the end', async () => {
  const { now, counts } = await createDueWorld(0, 0, 1, 1, 1, 5, 400, 400);
  const days = await counts.byDay(now, 5);
  expect(days.map(({ deletions }) => deletions)).toEqual([2, 3, 0, 0, 0, 3]);
  expect(days[1]?.from).toBe(now - 1000 + DAY_MS);
  const later = await counts.byDay(now + 3 * DAY_MS, 5);
  expect(later.map(({ deletions }) => deletions)).toEqual([5, 0, 1, 0, 0, 2]);
});

it('counts what was scheduled and is pending, and says when the next is due', async () => {
  const { jobs, deletions, now, counts } = await createDueWorld();
  expect(await counts.pending()).toEqual({ count: 0 });
  for (const n of [3, 1, 2]) await deletions.schedule({ clientId: `c-${n}` }, now + n * DAY_MS);
  await jobs.add('delete-user', { clientId: 'of another client' }, { delay: 1000 });
  expect(await counts.pending()).toEqual({ count: 3, nextDueAt: now + DAY_MS });
  await deletions.cancel({ clientId: 'c-1' });
  expect(await counts.pending()).toEqual({ count: 2, nextDueAt: now + 2 * DAY_MS });
});
