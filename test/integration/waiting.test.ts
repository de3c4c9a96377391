import { describe, expect, it } from 'vitest';
import { watchCalls } from '../support/watch-calls.ts';
import { createWorld } from '../support/world.ts';

const BUSY = 20;
const OTHERS = 1000;

describe('waiting for a busy user', () => {
  it('costs a job at most four calls to Redis, in a burst of 20 among 1,000 jobs of others', async () => {
    const world = await createWorld({ startsWorker: false, modes: { latencyMs: 2 } });
    const other = (n: number) => ({ jobId: `other-${n}`, clientId: `c-${n}` });
    // The busy user's jobs lie together, so that all of them are taken at once.
    const jobs = [
      ...Array.from({ length: OTHERS / 2 }, (_, n) => other(n)),
      ...Array.from({ length: BUSY }, (_, n) => ({ jobId: `busy-${n}`, clientId: 'busy' })),
      ...Array.from({ length: OTHERS / 2 }, (_, n) => other(OTHERS / 2 + n)),
    ];
    await world.jobs.addBulk(
      jobs.map(({ jobId, clientId }) => ({ name: 'create-user', data: { clientId }, opts: { jobId } })),
    );
    const { naming, untilNow } = await watchCalls(world);
    await world.startWorker();
    await expect.poll(() => world.jobs.getCompletedCount(), { timeout: 60_000 }).toBe(jobs.length);
    await untilNow();

    // Begin, and settle, which completes.
    const usual = naming('other-0');
    expect(usual).toBe(2);
    let waited = 0;
    for (let n = 0; n < BUSY; n += 1) {
      const job = await world.jobs.getJob(`busy-${n}`);
      const starts = job?.attemptsStarted ?? 0;
      if (starts > 1) waited += 1;
      // A fetch names no job: each further start is one, and so is the fetch that follows when a job is put aside.
      expect(naming(`busy-${n}`) - usual + 2 * (starts - 1)).toBeLessThanOrEqual(4);
    }
    expect(waited).toBeGreaterThan(BUSY / 2);
  }, 150_000);

  it('spends no attempt and polls nothing', async () => {
    const world = await createWorld({ modes: { latencyMs: 30 } });
    const jobIds = await Promise.all(
      Array.from({ length: BUSY }, () => world.add('create-user', { clientId: 'busy' })),
    );
    await Promise.all(jobIds.map((id) => world.eventOf(id)));
    await expect.poll(() => world.jobs.getCompletedCount()).toBe(BUSY);
    for (const id of jobIds) {
      const job = await world.jobs.getJob(id);
      expect(job?.attemptsMade).toBe(1);
      // Fetched, put aside at once, and fetched again when its turn had come.
      expect(job?.attemptsStarted).toBeLessThanOrEqual(2);
    }
    expect(await world.requests('create')).toHaveLength(1);
  });
});
