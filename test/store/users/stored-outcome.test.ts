import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { keyedJobId } from '../../../src/contract/job-options.ts';
import { failed } from '../../../src/contract/outcome.ts';
import { createUserStateWorld, live } from './user-state-world.ts';

const FAILED = failed('rejected', 'no');

/** Another run of the job, which no stall has caused. */
function again(job: Job): Job {
  job.attemptsStarted++;
  return job;
}

describe('the outcome of a job', () => {
  it('that failed is the same for the next run until its event is published, and then decided anew', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    const settled = await user.onlySettle(world.settlementOf(job, FAILED), live(user));
    expect(await world.ask(again(job))).toMatchObject({
      is: 'settled',
      settled: { kept: { outcome: FAILED } },
    });
    if (settled === 'lost') throw new Error(settled);
    await world.finish(job, settled);
    expect((await world.ask(again(job))).is).toBe('locked');
    // What it was is known no more, whatever becomes of this run.
    expect(await world.userState.find(job.id ?? '')).toBeUndefined();
  });

  it('that failed is no failure any more once a later run has ended otherwise', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    for (const outcome of [FAILED, undefined]) {
      const user = await world.take(job);
      await user.settle(world.settlementOf(again(job), outcome), live(user));
      expect((await world.story())?.failed).toEqual(outcome === undefined ? [] : [job.id]);
    }
  });

  it('that may be asked for again is the same also after its event is published', async () => {
    const world = await createUserStateWorld();
    const job = await world.start('update-user', { jobId: keyedJobId('a'.repeat(27)) });
    const user = await world.take(job);
    await user.settle(world.settlementOf(job), live(user));
    const begun = await world.ask(again(job));
    expect(begun).toMatchObject({ is: 'settled', settled: { isKept: true, event: undefined } });
  });
});
