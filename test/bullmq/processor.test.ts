import { Job } from 'bullmq';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Begun } from '../../src/lifecycle/ports/user-state.ts';
import { backoffStrategy } from '../../src/bullmq/processor.ts';
import { A } from '../operations/operation-world.ts';
import { C1, createWorkerWorld } from './worker-world.ts';

describe('a job that ends', () => {
  it('has completed, with what its event says and its ids alone, when the worker stops at the latest', async () => {
    const world = await createWorkerWorld();
    const jobId = await world.add('create-user', { ...C1, profile: { firstName: 'Ada' } });
    const worker = world.start();
    const { decision } = await world.runEnds();
    await worker.close(10_000);
    expect(await world.jobs.getJobState(jobId)).toBe('completed');
    const job = await world.jobs.getJob(jobId);
    expect(job).toMatchObject({ returnvalue: 'event' in decision ? decision.event.data : undefined });
    expect(Object.keys(job?.data as object).toSorted()).toEqual(['clientId', 'ended', 'instance', 'proof']);
    expect(world.errors).toEqual([]);
  });

  it('fails for good at once if its decision says so', async () => {
    const world = await createWorkerWorld();
    const jobId = await world.add('create-user', { profile: 1 });
    world.start();
    await world.runEnds();
    await expect.poll(() => world.jobs.getFailedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({
      failedReason: expect.stringMatching(/^invalid-job: /),
    });
  });
});

describe('a job that goes on later', () => {
  it('comes back when the retry policy says, however it was added, and has spent an attempt', async () => {
    const world = await createWorkerWorld({ record: { state: 'live', userId: A } });
    world.damoov.fails('update', 'rejected', { status: 408 });
    const jobId = await world.add('update-user', { ...C1, changes: { phone: '1' } }, { attempts: 1 });
    world.pipeline.retry = { attempts: 15, baseMs: 3_600_000, maxMs: 3_600_000 };
    world.start();
    const { decision } = await world.runEnds();
    const delayMs = decision.next === 'retry' ? decision.delayMs : Number.NaN;
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({ delay: Math.max(1, delayMs), attemptsMade: 1 });
  });

  it('and only waits has spent none', async () => {
    const world = await createWorkerWorld();
    world.damoov.fails('create', 'rate-limited', { status: 429 });
    const jobId = await world.add('create-user', C1);
    world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'wait' } });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({ attemptsMade: 0 });
  });

  it.each(['moveToDelayed', 'moveToCompleted'] as const)(
    'and is refused by Redis at %s has spent none, although it was its last',
    async (step) => {
      const world = await createWorkerWorld();
      world.pipeline.retry = { attempts: 1, baseMs: 1, maxMs: 1 };
      if (step === 'moveToDelayed') world.damoov.fails('create', 'rate-limited', { status: 429 });
      const refusal = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });
      vi.spyOn(Job.prototype, step).mockRejectedValueOnce(refusal);
      onTestFinished(() => void vi.restoreAllMocks());
      const jobId = await world.add('create-user', C1);
      const nextId = await world.add('create-user', { clientId: 'c-2' });
      world.start();
      await world.runEnds();
      // It is left as it is, and the worker goes on.
      expect(await world.runEnds()).toMatchObject({ jobId: nextId });
      expect(await world.jobs.getJobState(jobId)).toBe('active');
      expect(await world.jobs.getJob(jobId)).toMatchObject({ attemptsMade: 0 });
    },
  );

  it('after a failure of the queue itself waits a second', () => {
    expect(backoffStrategy(1, 'lifecycle', new Error('no'))).toBe(1000);
  });
});

describe('a job that is blocked', () => {
  const blocked = { is: 'blocked', recordId: 'a user', score: '1', patienceMs: 3_600_000 } as const;

  /** A worker whose first run finds its user taken, and asks then whether it is free by now. */
  async function createBlockedWorld(isFree: (jobId: string) => Promise<boolean>) {
    const world = await createWorkerWorld();
    const { userState } = world.pipeline;
    const begin = userState.begin.bind(userState);
    const begins: Begun[] = [blocked];
    const asked: unknown[] = [];
    world.pipeline.userState = {
      ...userState,
      begin: async (...run) => begins.pop() ?? begin(...run),
      isFree: async (run, { recordId }) => {
        asked.push([run.jobId, recordId, await world.jobs.getJobState(run.jobId)]);
        return isFree(run.jobId);
      },
    };
    return { ...world, asked };
  }

  it('sleeps until it is promoted, and then comes before the jobs of an import', async () => {
    const world = await createBlockedWorld(async () => false);
    const jobId = await world.add('create-user', C1, { priority: 7 });
    world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked', blocked } });
    await expect.poll(() => world.asked).toEqual([[jobId, 'a user', 'delayed']]);
    const job = await world.jobs.getJob(jobId);
    expect(job).toMatchObject({ attemptsMade: 0, priority: 0, delay: expect.any(Number) });
    expect(job?.delay).toBeGreaterThan(blocked.patienceMs - 1000);
    await job?.promote();
    expect(await world.runEnds()).toMatchObject({ jobId, attempt: 1, decision: { next: 'complete' } });
    expect(world.runs).toMatchObject([{ jobId, hasRunBefore: true }]);
  });

  it('goes on at once where its user is free by the time that it sleeps: nobody would promote it', async () => {
    const world = await createBlockedWorld(async () => true);
    await world.add('create-user', C1);
    world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked' } });
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'complete' } });
  });

  it('and removed meanwhile is no fault, also as a job of an import', async () => {
    const world = await createBlockedWorld(async (jobId) => {
      await world.redis.del(`${world.jobs.toKey('')}${jobId}`);
      return true;
    });
    const { userState } = world.pipeline;
    const begin = userState.begin.bind(userState);
    world.pipeline.userState.begin = async (run, ...more) => {
      if (run.jobId === 'removed') await world.redis.del(`${world.jobs.toKey('')}removed`);
      return begin(run, ...more);
    };
    await world.add('create-user', C1, { priority: 7, jobId: 'removed' });
    const next = await world.add('create-user', { clientId: 'c-2' }, { priority: 8 });
    const worker = world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked' } });
    expect(await world.runEnds()).toMatchObject({ jobId: next, decision: { next: 'complete' } });
    await worker.close(10_000);
    expect(world.errors).toEqual([]);
  });

  it('and promoted by somebody else meanwhile runs once', async () => {
    const world = await createBlockedWorld(async (jobId) => {
      await (await world.jobs.getJob(jobId))?.promote();
      return true;
    });
    await world.add('create-user', C1);
    const worker = world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked' } });
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'complete' } });
    await worker.close(10_000);
    expect([world.runs.length, world.errors]).toEqual([1, []]);
  });
});

it('a job that a circuit holds sleeps for an hour or two, unless it is promoted', async () => {
  const world = await createWorkerWorld({ begins: { is: 'held', circuit: 'damoov' } });
  const jobId = await world.add('create-user', C1);
  world.start();
  await world.runEnds();
  await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
  const { delay = 0 } = (await world.jobs.getJob(jobId)) ?? {};
  expect(delay).toBeGreaterThan(3_590_000);
  expect(delay).toBeLessThanOrEqual(7_200_000);
});
