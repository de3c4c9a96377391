import { randomUUID } from 'node:crypto';
import { Job, type JobsOptions, Queue, UnrecoverableError, Worker } from 'bullmq';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { createJobQueue } from '../../src/bullmq/job-queue.ts';
import { type Version, versionOf } from '../../src/contract/version.ts';
import { connectRedis } from '../../src/redis/connection.ts';
import { createJobCipher } from '../../src/lifecycle/encryption.ts';

const HOUR_MS = 3_600_000;
const DATA = { clientId: 'c-1' };

/** A queue whose jobs the test takes by hand. */
function createWorld() {
  const prefix = `{test-${randomUUID()}}`;
  const connection = connectRedis({ kind: 'url', url: inject('redisUrl') });
  const jobs = new Queue('user-jobs', { connection, prefix });
  const worker = new Worker('user-jobs', undefined, { connection, prefix, autorun: false });
  onTestFinished(async () => {
    await worker.close();
    await jobs.close();
    const keys = await connection.keys(`${prefix}*`);
    if (keys.length > 0) await connection.unlink(...keys);
    connection.disconnect();
  });
  const take = async (data: unknown = DATA, options: JobsOptions = {}) => {
    await jobs.add('update-user', data, options);
    const job = await worker.getNextJob(randomUUID(), { block: false });
    if (job === undefined) throw new Error('no job waits');
    return job as Job<unknown> & { id: string; token: string };
  };
  return {
    jobs,
    queue: createJobQueue(jobs),
    stateOf: (jobId: string) => jobs.getJobState(jobId),
    take,
    /** As the worker delays a job that is blocked. */
    delayed: async (options?: JobsOptions) => {
      const job = await take(DATA, options);
      await job.moveToDelayed(Date.now() + HOUR_MS, job.token);
      return job;
    },
    failed: async (data: unknown) => {
      const job = await take(data);
      await job.moveToFailed(new UnrecoverableError('no'), job.token);
      return job;
    },
    /** Overwrites what lies in Redis. */
    spoil: (jobId: string, field: string, value: string) =>
      connection.hset(`${jobs.toKey('')}${jobId}`, field, value),
  };
}

const refusal = () => Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });

describe('a job that is promoted', () => {
  it('runs now if it was delayed', async () => {
    const { queue, stateOf, delayed } = createWorld();
    const { id } = await delayed();
    expect(await queue.promote(id)).toBe('promoted');
    expect(await stateOf(id)).toBe('waiting');
  });

  it('is gone if it was removed, or never was', async () => {
    const { queue, delayed } = createWorld();
    const job = await delayed();
    await job.remove();
    expect(await queue.promote(job.id)).toBe('gone');
    expect(await queue.promote('never')).toBe('gone');
  });

  it('is gone if another job bears its id now, which waits for its own time', async () => {
    const { jobs, queue, stateOf, delayed } = createWorld();
    const job = await delayed({ jobId: 'mine' });
    await job.remove();
    await jobs.add('delete-user', DATA, { jobId: 'mine', delay: HOUR_MS });
    expect(await queue.promote('mine')).toBe('gone');
    expect(await stateOf('mine')).toBe('delayed');
  });

  it('goes its own way where it waits or runs', async () => {
    const { queue, stateOf, take, delayed } = createWorld();
    const active = await take();
    expect(await queue.promote(active.id)).toBe('elsewhere');
    expect(await stateOf(active.id)).toBe('active');
    const waiting = await delayed();
    await waiting.promote();
    expect(await queue.promote(waiting.id)).toBe('elsewhere');
  });

  it('is gone if it has ended', async () => {
    const { queue, take, failed } = createWorld();
    const { id } = await failed(DATA);
    expect(await queue.promote(id)).toBe('gone');
    const job = await take();
    await job.moveToCompleted('done', job.token, false);
    expect(await queue.promote(job.id)).toBe('gone');
  });

  it('is gone if nobody can read it', async () => {
    const { queue, delayed, spoil } = createWorld();
    const { id } = await delayed();
    await spoil(id, 'opts', 'no JSON');
    expect(await queue.promote(id)).toBe('gone');
  });

  it.each(['getJobData', 'promote'] as const)('is neither while Redis refuses (%s)', async (step) => {
    const { jobs, queue, delayed } = createWorld();
    const { id } = await delayed();
    onTestFinished(() => void vi.restoreAllMocks());
    if (step === 'promote') vi.spyOn(Job.prototype, step).mockRejectedValueOnce(refusal());
    else vi.spyOn(jobs.getBackend(), step).mockRejectedValueOnce(refusal());
    await expect(queue.promote(id)).rejects.toThrow('OOM');
    expect(await queue.promote(id)).toBe('promoted');
  });
});

it('a job is pending until it is over or removed', async () => {
  const { jobs, queue, take, delayed, failed } = createWorld();
  const over = [await take(), await failed(DATA), await delayed()] as const;
  await over[0].moveToCompleted('done', over[0].token, false);
  await over[2].remove();
  const sleeping = await delayed();
  const running = await take();
  const waiting = await jobs.add('update-user', DATA);
  const isPending = async (all: readonly { id?: string | undefined }[]) =>
    Promise.all(all.map(({ id = '' }) => queue.isPending(id)));
  expect(await isPending(over)).toEqual([false, false, false]);
  expect(await isPending([sleeping, running, waiting])).toEqual([true, true, true]);
});

describe('what is erased', () => {
  const cipher = createJobCipher(new Map([['default', { secret: 'a secret' }]]));
  const encryptedBy = (jobId: string) => cipher.encrypt(jobId, '{"email":"ada@example.test"}', 'default');
  const versionsOf = (...jobs: Job[]): Version[] =>
    jobs.map(({ id = '', name, timestamp }) => versionOf({ id, name, timestamp }));

  it('is what failed jobs said, and neither their ids nor the proof that a worker wrote them', async () => {
    const { jobs, queue, failed } = createWorld();
    const ids = { ...DATA, correlationId: 'r-1' };
    const erased = await failed({ ...ids, encrypted: encryptedBy('1') });
    const untouched = { ...DATA, encrypted: encryptedBy('2') };
    const other = await failed(untouched);
    await queue.erase(versionsOf(erased));
    const { data } = (await jobs.getJob(erased.id)) ?? expect.fail();
    const { encrypted, ...rest } = data as { encrypted: string };
    expect(rest).toEqual(ids);
    expect(encrypted).toMatch(/^1\.[\w-]{16}\.$/);
    expect(cipher.decrypt('1', encrypted)).toBe('erased');
    expect((await jobs.getJob(other.id))?.data).toEqual(untouched);
  });

  it('leaves a retried job unchanged: a run may have it', async () => {
    const { jobs, queue, failed } = createWorld();
    const data = { ...DATA, encrypted: encryptedBy('1') };
    const job = await failed(data);
    await job.retry('failed');
    await queue.erase(versionsOf(job));
    expect((await jobs.getJob(job.id))?.data).toEqual(data);
  });

  it('is nothing of a job that only looks encrypted, that is gone, or that nobody can read', async () => {
    const { jobs, queue, failed, spoil } = createWorld();
    const data = { ...DATA, encrypted: 'by nobody' };
    const [looks, gone, broken] = [await failed(data), await failed(DATA), await failed(DATA)];
    await gone.remove();
    await spoil(broken.id, 'data', '{"clientId":');
    await queue.erase(versionsOf(looks, gone, broken));
    expect((await jobs.getJob(looks.id))?.data).toEqual(data);
    expect(await jobs.getJob(gone.id)).toBeUndefined();
  });
});
