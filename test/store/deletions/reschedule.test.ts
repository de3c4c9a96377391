import { Job } from 'bullmq';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDeletionsWorld, inDays } from './deletions-world.ts';

type World = Awaited<ReturnType<typeof createDeletionsWorld>>;

describe('rescheduling', () => {
  it('moves what is pending, and makes nothing', async () => {
    const world = await createDeletionsWorld();
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(1))).toBe('none');
    const { jobId, requestedAt } = await world.schedule({ clientId: 'c-1' });
    const dueAt = inDays(1);
    const moved = { is: 'moved', jobId, dueAt, requestedAt };
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, dueAt)).toEqual(moved);
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('of one that is at work and not sent yet puts another in its place', async () => {
    const world = await createDeletionsWorld();
    const first = await world.schedule({ clientId: 'c-1', reason: 'closed' }, Date.now());
    const job = await world.fetch();
    const moved = await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7));
    expect(moved).toMatchObject({ is: 'moved', jobId: `${first.jobId}-1` });
    expect(await world.authorize(job, { clientId: 'c-1' })).toBe('cancelled');
    expect(await world.list()).toMatchObject([{ jobId: `${first.jobId}-1`, clientId: 'c-1' }]);
    expect((await world.jobs.getJob(`${first.jobId}-1`))?.data).toEqual({
      clientId: 'c-1',
      reason: 'closed',
    });
  });

  it('of one that was put aside wakes it, so that it ends at once as cancelled', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await job.moveToDelayed(inDays(1), job.token);
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7))).toMatchObject({
      jobId: `${jobId}-1`,
    });
    const woken = await world.fetch();
    expect(woken.id).toBe(jobId);
    expect(await world.check(woken)).toMatchObject({ is: 'cancelled' });
  });

  it.each([
    ['cancelled', 'none', (world: World) => world.deletions.cancel({ clientId: 'c-1' })],
    ['sent', 'too-late', (world: World, job: Job) => world.authorize(job)],
  ])('of one that is %s meanwhile puts nothing in its place', async (_title, is, meanwhile) => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its job
    const add = Job.prototype.addJob;
    vi.spyOn(Job.prototype, 'addJob').mockImplementationOnce(async function addLate(this: Job, ...args) {
      await meanwhile(world, job);
      return add.apply(this, args);
    });
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7))).toBe(is);
    expect(await world.jobs.getJob(`${job.id}-1`)).toBeUndefined();
  });

  it('of one that was sent is too late', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    expect(await world.authorize(job, { clientId: 'c-1' })).toBe('go');
    const [listed] = await world.list();
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7))).toBe('too-late');
    expect(await world.list()).toEqual([listed]);
    await world.complete(job);
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7))).toBe('done');
  });
});

describe('a deletion that takes the place of another', () => {
  it('does not where that one was cancelled, sent or replaced meanwhile', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    const other = await world.schedule({ clientId: 'c-2' });
    await world.deletions.cancel({ clientId: 'c-2' });
    await world.supersede(await world.fetch());
    expect(await world.enter(`${other.jobId}-1`, other.jobId)).toBe('gone');
    await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7));
    expect(await world.enter(`${jobId}-1`, jobId)).toBe('taken');
    await world.supersede(job);
    const sent = await world.schedule({ clientId: 'c-3' }, Date.now());
    await world.authorize(await world.fetch());
    expect(await world.enter(`${sent.jobId}-1`, sent.jobId)).toBe('too-late');
    expect(await world.pending()).toEqual([sent.jobId, `${jobId}-1`]);
  });
});
