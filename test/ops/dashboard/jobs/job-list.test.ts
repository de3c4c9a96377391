import { expect, it, vi } from 'vitest';
import { readJobList } from '../../../../src/ops/dashboard/jobs/job-list.ts';
import { readHeldJobs } from '../../../../src/store/circuits/held-jobs.ts';
import { readDueTimes } from '../../../../src/store/deletions/due-page.ts';
import { readWhyJobsWait } from '../../../../src/store/users/why-jobs-wait.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { createWorld } from '../../../support/world.ts';

const QUERIES = [
  { state: 'waiting', from: 0 },
  { state: 'waiting', from: 50 },
  { state: 'delayed', from: 0 },
  { state: 'blocked', from: 0 },
  { state: 'held', from: 0 },
  { state: 'failed', from: 50 },
  { state: 'failed', code: 'rejected', from: 0 },
  { state: 'completed', from: 0 },
] as const;

/** 600: more than a search looks at. */
it.each([20_000])(
  'a page of %i jobs asks Redis as often as a page of 600',
  async (many) => {
    const world = await createWorld({ startsWorker: false });
    const { jobs, prefix, redis } = world;
    const sources = {
      jobs,
      why: (waiting: Parameters<typeof readWhyJobsWait>[1]) =>
        readWhyJobsWait({ jobs, prefix, instances: new Map() }, waiting),
      dueAt: (jobIds: readonly string[]) => readDueTimes({ jobs, prefix }, jobIds),
      heldBy: async () => undefined,
      held: (page: { skip: number; count: number }) =>
        readHeldJobs({ jobs, prefix, circuits: ['damoov', 'deletion-limit'] }, page),
    };
    let made = 0;
    async function addUpTo(count: number): Promise<void> {
      await makeFailedJobs(redis, prefix, { count: count - made, idStart: `f${made}` });
      for (; made < count; made += 200) {
        const some = Array.from({ length: 200 }, (_, n) => ({
          name: 'create-user',
          data: { clientId: `c-${made + n}` },
        }));
        await jobs.addBulk(some);
        await jobs.addBulk(some.map((job) => ({ ...job, opts: { delay: 1e9 } })));
      }
    }
    const calls = vi.spyOn(redis, 'sendCommand');
    async function countAll(): Promise<number[]> {
      const counts: number[] = [];
      for (const query of QUERIES) {
        await readJobList(sources, query);
        calls.mockClear();
        await readJobList(sources, query);
        counts.push(calls.mock.calls.length);
      }
      return counts;
    }
    await addUpTo(600);
    const few = await countAll();
    await addUpTo(many);
    expect(await countAll()).toEqual(few);
    for (const count of few) expect(count).toBeGreaterThan(0);
  },
  120_000,
);
