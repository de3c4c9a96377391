import { describe, expect, it } from 'vitest';
import { createDeletionsGlance } from '../../../src/redis/deletions/glance.ts';
import { createWorld } from '../../support/world.ts';

const DAY_MS = 24 * 3600 * 1000;

const jobsOf = (name: string, count: number, delay: number) =>
  Array.from({ length: count }, (_, n) => ({
    name,
    data: { clientId: `${name}-${n}` },
    opts: { delay: delay + n },
  }));

describe('a glance at the deletions', () => {
  it('of few is exact: others that are delayed, those that were cancelled, and those of a negative delay do not count', async () => {
    const { jobs, redis } = await createWorld({ startsWorker: false });
    const glance = createDeletionsGlance(jobs);
    expect(await glance()).toEqual({ count: 0, isExact: true });
    await jobs.addBulk([...jobsOf('create-user', 3, DAY_MS), ...jobsOf('delete-user', 5, 2 * DAY_MS)]);
    const [first] = await jobs.getDelayed(3, 3);
    const [cancelled] = await jobs.getDelayed(4, 4);
    await redis.hset(jobs.toKey(cancelled?.id ?? ''), 'cx', 1);
    // It only has not been taken yet.
    await jobs.add('delete-user', { clientId: 'negative' }, { delay: -5000 });
    const dueAt = (first?.timestamp ?? 0) + (first?.delay ?? 0);
    expect(await glance()).toEqual({ count: 4, isExact: true, nextDueAt: dueAt });
  });

  it('of many is an estimate by a sample, whatever is in front', async () => {
    const { jobs } = await createWorld({ startsWorker: false });
    await jobs.addBulk([...jobsOf('create-user', 2000, DAY_MS), ...jobsOf('delete-user', 6000, 2 * DAY_MS)]);
    const { count, isExact, nextDueAt } = await createDeletionsGlance(jobs)();
    expect({ isExact, nextDueAt }).toEqual({ isExact: false, nextDueAt: undefined });
    // Ten standard deviations of the share.
    expect(Math.abs(count - 6000)).toBeLessThan(8000 * 0.2);
  });
});
