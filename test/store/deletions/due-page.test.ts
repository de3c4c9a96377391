import { expect, it } from 'vitest';
import { type DueSpan, readDuePage } from '../../../src/store/deletions/due-page.ts';
import { DAY_MS, createDeletionsWorld, inDays } from './deletions-world.ts';

it('a page has those that are due within its span, behind those that are left out, and how many they are', async () => {
  const world = await createDeletionsWorld();
  const today = inDays(0);
  const day = (n: number) => today + n * DAY_MS;
  for (const n of [1, 2, 3, 4, 5]) await world.schedule({ clientId: `c-${n}` }, day(n));
  const read = async (span: DueSpan, skip = 0, count = 9) => {
    const { total, deletions } = await readDuePage(world, { ...span, skip, count });
    return [total, ...deletions.map((one) => 'clientId' in one && one.clientId)];
  };
  expect(await read({})).toEqual([5, 'c-1', 'c-2', 'c-3', 'c-4', 'c-5']);
  expect(await read({ from: day(2), before: day(4) })).toEqual([2, 'c-2', 'c-3']);
  expect(await read({ from: day(2) }, 1, 2)).toEqual([4, 'c-3', 'c-4']);
  expect(await read({}, 5)).toEqual([5]);
  expect(await read({ from: day(4), before: day(2) })).toEqual([0]);
});

it('a page has the id and the time of a deletion whose job is gone', async () => {
  const world = await createDeletionsWorld();
  const { jobId, dueAt } = await world.schedule({ clientId: 'c-1' });
  await world.jobs.remove(jobId);
  const { deletions } = await readDuePage(world, { skip: 0, count: 1 });
  expect(deletions).toEqual([{ jobId, dueAt }]);
});
