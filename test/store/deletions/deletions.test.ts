import { FlowProducer } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { BULK_PRIORITY } from '../../../src/contract/job-options.ts';
import { type Scheduled, LAST_DUE_MS, createDeletions } from '../../../src/store/deletions/deletions.ts';
import type { ListOptions } from '../../../src/store/deletions/deletion-list.ts';
import { createDeletionsWorld, inDays, userId } from './deletions-world.ts';

const DAY_MS = 24 * 3600 * 1000;

type World = Awaited<ReturnType<typeof createDeletionsWorld>>;

describe('a deletion that is scheduled', () => {
  it('is a delayed job that says no more than who is to be deleted', async () => {
    const world = await createDeletionsWorld();
    const dueAt = inDays(30);
    const { is, jobId, dueAt: due } = await world.schedule({ clientId: 'c-1' }, dueAt);
    expect({ is, due }).toEqual({ is: 'scheduled', due: dueAt });
    const job = await world.jobs.getJob(jobId);
    expect(await job?.getState()).toBe('delayed');
    expect(job).toMatchObject({ name: 'delete-user', data: { clientId: 'c-1' }, opts: {} });
    expect((job?.timestamp ?? 0) + (job?.delay ?? 0)).toBe(dueAt);
  });

  it('is undone by the newest return, in whatever order they are settled', async () => {
    const world = await createDeletionsWorld();
    const ask = (days: number) =>
      world.deletions.schedule({ clientId: 'c-1' }, inDays(1), { requestedAt: inDays(days) });
    await ask(-10);
    await world.returned('c-1', -7);
    await world.returned('c-1', -9);
    expect(await ask(-8)).toMatchObject({ is: 'exists' });
    await (await world.jobs.getDelayed())[0]?.promote();
    expect(await world.authorize(await world.fetch(), { clientId: 'c-1' })).toBe('returned');
  });

  it('is due at once where its time is over', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' }, inDays(-1));
    expect((await world.fetch()).id).toBe(jobId);
  });

  it('keeps what else was said for the worker', async () => {
    const world = await createDeletionsWorld();
    const request = { userId, reason: 'closed', correlationId: 'r-1', instance: 'eu' };
    const { jobId } = await world.schedule(request);
    expect((await world.jobs.getJob(jobId))?.data).toEqual(request);
  });

  it('is refused beyond what the queue can count to, in seconds, and where it is no job', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, LAST_DUE_MS);
    for (const dueAt of [LAST_DUE_MS + 1, Infinity, Number.NaN])
      await expect(world.schedule({ clientId: 'c-2' }, dueAt)).rejects.toThrow('2039-09-07');
    const inSeconds = Math.floor(Date.now() / 1000);
    await expect(world.schedule({ clientId: 'c-2' }, inSeconds)).rejects.toThrow('seconds instead of');
    await expect(world.schedule({})).rejects.toThrow('needs clientId or userId');
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('costs at most 600 bytes of Redis, all keys included', async () => {
    const world = await createDeletionsWorld();
    const count = 2000;
    const all = Array.from({ length: count }, (_, n) => ({ clientId: `customer-${100_000 + n}` }));
    for (let n = 0; n < count; n += 500)
      await Promise.all(all.slice(n, n + 500).map((request) => world.schedule(request)));
    const keys = await world.redis.keys(`${world.prefix}*`);
    // What grows with the number of jobs: the queue's stream is bounded.
    const bounded = ['events', 'meta', 'id', 'marker'].map((name) => world.jobs.toKey(name));
    const sizes = await Promise.all(
      keys
        .filter((key) => !bounded.includes(key))
        .map((key) => world.redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0') as Promise<number>),
    );
    expect(keys.filter((key) => key.startsWith(world.namesBase))).toEqual([]);
    expect(sizes.reduce((sum, size) => sum + size, 0) / count).toBeLessThanOrEqual(600);
  });

  it('has an id that only Redis itself can tell whose it is', async () => {
    const [one, other] = [await createDeletionsWorld(), await createDeletionsWorld()];
    const ids = await Promise.all([one, other].map((world) => world.schedule({ clientId: 'c-1' })));
    expect(ids[0]?.jobId).toMatch(/^del-[\w-]{16}$/);
    expect(ids[0]?.jobId).not.toBe(ids[1]?.jobId);
  });
});

describe('a second request', () => {
  it.each([
    ['the same clientId', { clientId: 'c-1' }, { clientId: 'c-1' }],
    ['the same userId, however it is spelt', { userId }, { userId: userId.toUpperCase() }],
    ['one of both ids', { clientId: 'c-1', userId }, { userId }],
    ['the other of both ids', { clientId: 'c-1', userId }, { clientId: 'c-1' }],
    ['both ids after one', { userId }, { clientId: 'c-1', userId }],
  ])('by %s finds the first one, due when that was', async (_title, first, second) => {
    const world = await createDeletionsWorld();
    const { jobId, dueAt } = await world.schedule(first, inDays(30));
    expect(await world.schedule(second, inDays(60))).toMatchObject({ is: 'exists', jobId, dueAt });
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('of two at once makes one job', async () => {
    const world = await createDeletionsWorld();
    const others = createDeletions({ jobs: world.jobs, prefix: world.prefix });
    const dueAt = inDays(30);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? world.deletions : others).schedule({ clientId: 'c-1' }, dueAt),
      ),
    );
    expect(answers.filter((answer) => (answer as Scheduled).is === 'scheduled')).toHaveLength(1);
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('does not enter what a worker has ended before the first was answered', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.supersede(await world.fetch());
    expect(await world.enter(jobId)).toBe('entered');
    expect(await world.pending()).toEqual([]);
  });

  it('finds the job of a call that was cut off before it was entered', async () => {
    const world = await createDeletionsWorld();
    const { jobId, dueAt } = await world.schedule({ clientId: 'c-1' });
    await world.redis.del(`${world.prefix}:deletions-pending`);
    expect(await world.schedule({ clientId: 'c-1' }, inDays(60))).toMatchObject({
      is: 'exists',
      jobId,
      dueAt,
    });
    expect(await world.pending()).toEqual([jobId]);
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('of another instance or another kind of id is another user’s', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: userId });
    for (const request of [{ clientId: userId, instance: 'eu' }, { userId }])
      expect(await world.schedule(request)).toMatchObject({ is: 'scheduled' });
  });

  it('counts from now on, so that a return before it does not undo it', async () => {
    const world = await createDeletionsWorld();
    const ask = (requestedAt: number) =>
      world.deletions.schedule({ clientId: 'c-1' }, inDays(1), { requestedAt });
    const first = await ask(inDays(-2));
    await world.returned('c-1', -1);
    const again = await ask(inDays(0));
    expect(again).toMatchObject({ is: 'exists', dueAt: (first as Scheduled).dueAt });
    await (await world.jobs.getDelayed())[0]?.promote();
    const job = await world.fetch();
    expect(await world.check(job)).toMatchObject({
      is: 'open',
      requestedAt: (again as Scheduled).requestedAt,
      dueAt: (first as Scheduled).dueAt,
    });
    expect(await world.authorize(job)).toBe('go');
  });

  it('goes behind live jobs as one of many, until somebody asks for it alone', async () => {
    const world = await createDeletionsWorld();
    const priorityOf = async (jobId: string) => (await world.jobs.getJob(jobId))?.priority;
    const { jobId } = await world.schedule({ clientId: 'alone' });
    await world.deletions.schedule({ clientId: 'alone' }, inDays(1), { isBulk: true });
    expect(await priorityOf(jobId)).toBe(0);
    const many = await world.deletions.schedule({ clientId: 'c-1' }, inDays(1), { isBulk: true });
    if (many === 'too-late') throw new Error('too late');
    expect(await priorityOf(many.jobId)).toBe(BULK_PRIORITY);
    expect(await world.schedule({ clientId: 'c-1' })).toMatchObject({ is: 'exists', jobId: many.jobId });
    expect(await priorityOf(many.jobId)).toBe(0);
  });

  it('moves the first one where it is asked to', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    const dueAt = inDays(60);
    expect(await world.deletions.schedule({ clientId: 'c-1' }, dueAt, { reschedules: true })).toMatchObject({
      is: 'moved',
      jobId,
      dueAt,
    });
    expect(await world.list()).toMatchObject([{ jobId, dueAt }]);
  });

  it('after one that is over makes the next, under an id of its own, which is found again', async () => {
    const world = await createDeletionsWorld();
    const seen = new Set<string>();
    for (const end of ['fail', 'complete', 'cancel', 'failUnsettled'] as const) {
      const { is, jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
      expect({ is, isNew: !seen.has(jobId) }).toEqual({ is: 'scheduled', isNew: true });
      seen.add(jobId);
      if (end === 'cancel') await world.deletions.cancel({ clientId: 'c-1' });
      const job = await world.fetch();
      if (end === 'fail' || end === 'complete') await world.authorize(job);
      await world[end === 'cancel' ? 'supersede' : end](job);
    }
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    expect(seen.has(jobId)).toBe(false);
    expect(await world.schedule({ clientId: 'c-1' })).toMatchObject({ is: 'exists', jobId });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });
});

describe('a name', () => {
  it('that a second request adds leads to the first one', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' });
    expect(await world.schedule({ clientId: 'c-1', userId })).toMatchObject({ is: 'exists' });
    expect(await world.deletions.cancel({ userId })).toBe('cancelled');
    expect(await world.pending()).toEqual([]);
  });

  it('leads no more to what was cancelled under it', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1', userId });
    await world.deletions.cancel({ userId });
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    await world.deletions.cancel({ userId });
    expect(await world.pending()).toEqual([jobId]);
  });

  it('gives each deletion an id of its own, also where the job of the last one is gone', async () => {
    const world = await createDeletionsWorld();
    const seen = new Set<string>();
    for (const end of ['complete', 'supersede', 'cancel', 'failUnsettled'] as const) {
      const { jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
      seen.add(jobId);
      expect(await world.pending()).toEqual([jobId]);
      if (end === 'cancel') await world.deletions.cancel({ clientId: 'c-1' });
      const job = await world.fetch();
      await world[end === 'cancel' ? 'supersede' : end](job);
      if (end !== 'failUnsettled') await job.remove();
    }
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    expect([...seen, jobId]).toHaveLength(5);
    expect(await world.pending()).toEqual([jobId]);
    expect(seen.has(jobId)).toBe(false);
  });

  it('of a deletion that has ended says nothing of when the next one was requested', async () => {
    const world = await createDeletionsWorld();
    const ask = (requestedAt: number) =>
      world.deletions.schedule({ clientId: 'c-1' }, inDays(2), { requestedAt });
    await ask(inDays(0));
    await ask(inDays(1));
    await (await world.jobs.getDelayed())[0]?.promote();
    await world.supersede(await world.fetch());
    const requestedAt = inDays(0);
    await ask(requestedAt);
    await (await world.jobs.getDelayed())[0]?.promote();
    expect(await world.check(await world.fetch())).toMatchObject({ requestedAt });
  });

  it('expires once nothing is pending under it that is known nowhere else', async () => {
    const world = await createDeletionsWorld();
    const dayS = 86_400;
    const least = async (days: number) => {
      const lifetimes = await world.lifetimes();
      expect(lifetimes.length).toBeGreaterThan(0);
      expect(Math.min(...lifetimes)).toBeGreaterThan(Math.max(0, (days - 1) * dayS));
      expect(Math.max(...lifetimes)).toBeLessThanOrEqual((days + 1) * dayS);
      await world.redis.unlink(...(await world.redis.keys(`${world.namesBase}*`)));
    };
    await world.returned('of nobody who is to be deleted', 1);
    expect(await world.lifetimes()).toEqual([]);
    await world.schedule({ clientId: 'c-1', userId }, inDays(100));
    await world.schedule({ userId });
    await least(140);
    await world.schedule({ clientId: 'c-1' }, inDays(100));
    await least(140);
    await world.returned('c-1', 1);
    // The test keeps a name for an hour.
    await least(100);
    await world.deletions.reschedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.deletions.reschedule({ clientId: 'c-1' }, inDays(50));
    await least(90);
    await world.check(job, { userId });
    await least(40);
    await world.authorize(job, { userId });
    await least(40);
    await world.supersede(job);
    await least(0);
  });
});

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

describe('cancelling', () => {
  it('of what is pending has it end at once, and never sent; asked again it is answered the same', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    const cancel = () => world.deletions.cancel({ clientId: 'c-1' });
    expect(await cancel()).toBe('cancelled');
    expect(await world.list()).toEqual([]);
    const job = await world.fetch();
    expect(job.id).toBe(jobId);
    expect(await world.check(job)).toMatchObject({ is: 'cancelled' });
    expect(await world.authorize(job)).toBe('cancelled');
    expect(await cancel()).toBe('cancelled');
    await world.supersede(job);
    expect(await cancel()).toBe('cancelled');
    await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.supersede(await world.fetch());
    expect(await cancel()).toBe('none');
  });

  it('whose process ends too early holds all the same, and the next one ends the job', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    await world.deletions.cancel({ clientId: 'c-1' });
    const job = await world.fetch();
    await job.moveToDelayed(inDays(30), job.token);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect((await world.fetch()).id).toBe(jobId);
  });

  it('is a matter of order, also where the clock of a producer is ahead or behind', async () => {
    const world = await createDeletionsWorld();
    for (const requestedAt of [inDays(1), inDays(-1)]) {
      const ask = () => world.deletions.schedule({ clientId: 'c-1' }, inDays(2), { requestedAt });
      await ask();
      expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
      const cancelled = await world.fetch();
      expect(await world.authorize(cancelled)).toBe('cancelled');
      await world.supersede(cancelled);
      await ask();
      await (await world.jobs.getDelayed())[0]?.promote();
      const wanted = await world.fetch();
      expect(await world.check(wanted)).toMatchObject({ is: 'open' });
      expect(await world.authorize(wanted)).toBe('go');
      await world.complete(wanted);
    }
  });

  it('holds for a deletion that is asked for as of a time before it', async () => {
    const world = await createDeletionsWorld();
    const asOf = Date.now() - 1;
    await world.deletions.cancel({ clientId: 'c-1' });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.supersede(await world.fetch());
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now(), { asOf });
    expect(await world.authorize(await world.fetch())).toBe('cancelled');
  });

  it('holds for a job whose producer’s clock is ahead, also once a later one was sent', async () => {
    const world = await createDeletionsWorld();
    const requestedAt = inDays(1);
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now(), { requestedAt });
    const cancelled = await world.fetch();
    await world.deletions.cancel({ clientId: 'c-1' });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    expect(await world.authorize(await world.fetch())).toBe('go');
    expect(await world.authorize(cancelled)).toBe('cancelled');
  });

  it('does not concern a pending one that is asked for again, though the clock of the producer is behind', async () => {
    const world = await createDeletionsWorld();
    const ask = (request: object) =>
      world.deletions.schedule(request, Date.now(), { requestedAt: inDays(-1) });
    await ask({ clientId: 'c-1' });
    const job = await world.fetch();
    await world.deletions.cancel({ userId });
    expect(await ask({ clientId: 'c-1', userId })).toMatchObject({ is: 'exists' });
    expect(await world.authorize(job, { clientId: 'c-1', userId })).toBe('go');
  });

  it('tells of the last deletion, not of those before it', async () => {
    const world = await createDeletionsWorld();
    const cancel = () => world.deletions.cancel({ clientId: 'c-1' });
    const start = async () => {
      await world.schedule({ clientId: 'c-1' }, Date.now());
      return world.fetch();
    };
    const cancelled = await start();
    expect(await cancel()).toBe('cancelled');
    await world.supersede(cancelled);
    const first = await start();
    await world.authorize(first);
    expect(await cancel()).toBe('too-late');
    await world.complete(first);
    expect(await cancel()).toBe('done');
    const second = await start();
    await world.authorize(second);
    expect(await cancel()).toBe('too-late');
  });

  it('is undone by nothing but a later request: a sign-up of the same moment leaves a deletion as it is', async () => {
    const world = await createDeletionsWorld();
    const at = Date.now();
    await world.deletions.schedule({ clientId: 'c-1' }, at, { requestedAt: at });
    await world.returnedAt('c-1', at);
    expect(await world.authorize(await world.fetch())).toBe('go');
  });

  it('is known for as long as any job can be deferred', async () => {
    const world = await createDeletionsWorld();
    await world.deletions.cancel({ clientId: 'c-1', userId });
    for (const ids of [{ clientId: 'c-1' }, { userId }]) {
      const leftS = await world.redis.ttl(await world.keyOf(ids));
      expect(Date.now() + leftS * 1000).toBeGreaterThan(LAST_DUE_MS - 5000);
    }
    await world.schedule({ clientId: 'c-1' });
    expect(await world.redis.ttl(await world.keyOf({ clientId: 'c-1' }))).toBeGreaterThan(10 * 365 * 86_400);
  });

  it('of nothing is none', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-2' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    expect(await world.list()).toHaveLength(1);
  });

  it('after the last moment is too late, and done when that is over, under each name', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    const both = { clientId: 'c-1', userId };
    expect(await world.authorize(job, both)).toBe('go');
    const answers = () =>
      Promise.all([{ clientId: 'c-1' }, { userId }].map((of) => world.deletions.cancel(of)));
    expect(await answers()).toEqual(['too-late', 'too-late']);
    expect(await world.check(job)).toMatchObject({ is: 'released' });
    expect(await world.authorize(job, both)).toBe('go');
    await world.complete(job, both);
    expect(await answers()).toEqual(['done', 'done']);
    await job.remove();
    expect(await answers()).toEqual(['done', 'done']);
  });

  it('under what the user was found to be called holds as under what the job names', async () => {
    const world = await createDeletionsWorld();
    const found = { clientId: 'c-1', also: { clientId: 'c-2', userId } };
    for (const cancelled of [{ clientId: 'c-1' }, { clientId: 'c-2' }]) {
      await world.jobs.add('delete-user', { clientId: 'c-1' });
      const job = await world.fetch();
      await world.deletions.cancel(cancelled);
      expect(await world.authorize(job, found)).toBe('cancelled');
    }
    await world.jobs.add('delete-user', { clientId: 'c-1' }, { timestamp: Date.now() + 1 });
    const job = await world.fetch();
    expect(await world.authorize(job, found)).toBe('go');
    expect(await world.deletions.cancel({ clientId: 'c-2' })).toBe('too-late');
    await world.complete(job, found);
    expect(await world.deletions.cancel({ clientId: 'c-2' })).toBe('done');
  });

  it('of one that failed after it was sent is too late: nobody knows what it did', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.authorize(job, { clientId: 'c-1' });
    await world.fail(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
  });

  it('of one that failed unsent is none, and holds where it is put back by hand', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.fail(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    await job.retry('failed');
    expect(await world.authorize(await world.fetch(), { clientId: 'c-1' })).toBe('cancelled');
  });

  it('of one that failed after it was sent holds where it is put back by hand', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.authorize(job);
    await world.fail(job);
    await world.deletions.cancel({ clientId: 'c-1' });
    await job.retry('failed');
    expect(await world.check(await world.fetch())).toMatchObject({ is: 'cancelled' });
  });

  it.each([{ clientId: 'c-1' }, { userId }, { clientId: 'c-1', userId }])(
    'by %j finds a deletion that named both ids',
    async (address) => {
      const world = await createDeletionsWorld();
      await world.schedule({ clientId: 'c-1', userId });
      expect(await world.deletions.cancel(address)).toBe('cancelled');
      expect(await world.authorize(await world.fetch(), { clientId: 'c-1', userId })).toBe('cancelled');
    },
  );

  it('under one id holds for a deletion under the other, where it was asked for before', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.schedule({ userId });
    const job = await world.fetch();
    expect(await world.deletions.cancel({ userId })).toBe('cancelled');
    expect(await world.authorize(job, { clientId: 'c-1', userId })).toBe('cancelled');
  });

  it('under one id does not concern a deletion under the other that is asked for later', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ userId });
    await world.deletions.cancel({ userId });
    await world.supersede(await world.fetch());
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now(), { requestedAt: Date.now() + 1 });
    expect(await world.authorize(await world.fetch(), { clientId: 'c-1', userId })).toBe('go');
  });

  it('holds for a run that has lost its job, which sends nothing', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    expect(await world.commitLate(job)).toBe('lost');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });
});

describe('deletions that other BullMQ clients have added', () => {
  it.each<[string, (world: World) => Promise<unknown>]>([
    ['under a counted id', ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1' })],
    [
      'under an id that begins like ours',
      ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1' }, { jobId: `del-${userId}` }),
    ],
    [
      'under an id of the length of ours',
      ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1' }, { jobId: 'del-0123456789abcdef' }),
    ],
    [
      'with half an emoji in its reason',
      ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1', reason: 'gone \ud83d' }),
    ],
    [
      'as the parent of a flow',
      ({ redis, prefix, jobs }) =>
        new FlowProducer({ connection: redis, prefix }).add({
          name: 'delete-user',
          queueName: jobs.name,
          data: { clientId: 'c-1' },
          children: [{ name: 'a child', queueName: 'others' }],
        }),
    ],
    [
      'by a job scheduler',
      ({ jobs }) =>
        jobs.upsertJobScheduler('s-1', { every: DAY_MS }, { name: 'delete-user', data: { clientId: 'c-1' } }),
    ],
    [
      'far ahead',
      ({ jobs }) =>
        jobs.add('delete-user', { clientId: 'c-1' }, { delay: LAST_DUE_MS - Date.now() - DAY_MS }),
    ],
  ])('%s are void though nobody knew of them', async (_title, add) => {
    const world = await createDeletionsWorld();
    await add(world);
    const [job] = await world.jobs.getJobs(['waiting', 'delayed', 'waiting-children']);
    if (job === undefined) throw new Error('there is no job');
    expect(await world.list()).toMatchObject(
      job.name === 'delete-user' && job.delay > 0 ? [{ jobId: job.id }] : [],
    );
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    expect(await world.check(job)).toMatchObject({ is: 'cancelled' });
    expect(await world.authorize(job)).toBe('cancelled');
    expect(await world.list()).toEqual([]);
  });

  it('are void with all that their job scheduler goes on to add', async () => {
    const world = await createDeletionsWorld();
    const start = async () => {
      await world.jobs.promoteJobs();
      return world.fetch();
    };
    const template = { name: 'delete-user', data: { clientId: 'c-1', userId } };
    await world.jobs.upsertJobScheduler('s-1', { every: DAY_MS }, template);
    await world.deletions.cancel({ clientId: 'c-1' });
    const job = await start();
    expect(await world.check(job)).toMatchObject({ is: 'cancelled' });
    expect(Math.min(...(await world.lifetimes()))).toBeGreaterThan(0);
    await world.supersede(job);
    const next = { id: 'next', timestamp: inDays(1), repeatJobKey: job.repeatJobKey, data: template.data };
    const later = Object.assign(job, next);
    expect(await world.check(later)).toMatchObject({ is: 'cancelled' });
    expect(await world.authorize(later)).toBe('cancelled');
    expect(await world.check(Object.assign(job, { repeatJobKey: 'another' }))).toMatchObject({ is: 'open' });
  });

  it('are cancelled, and brought forward, once a worker has begun them and put them aside', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    expect(await world.check(job)).toMatchObject({ is: 'open' });
    await job.moveToDelayed(inDays(1), job.token);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    const again = await world.fetch();
    expect(await world.check(again)).toMatchObject({ is: 'cancelled' });
    await world.supersede(again);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });

  it('are cancelled once they have begun, though the clock of their client is ahead', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' }, { timestamp: Date.now() + 60_000 });
    const job = await world.fetch();
    await world.check(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.authorize(job)).toBe('cancelled');
  });

  it('are no longer known once they have ended unsent', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    await world.check(job);
    await world.supersede(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
  });

  it('after the cancellation are not concerned, nor are those of other users', async () => {
    const world = await createDeletionsWorld();
    await world.deletions.cancel({ clientId: 'c-1' });
    const later = { timestamp: Date.now() + 1 };
    for (const data of [{ clientId: 'c-1' }, { clientId: 'c-2' }, { userId }]) {
      await world.jobs.add('delete-user', data, later);
      expect(await world.authorize(await world.fetch())).toBe('go');
    }
  });

  it('are done once they were sent, and a new one is void', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    await world.authorize(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
    await world.complete(job);
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('done');
    expect(await world.authorize(await world.fetch())).toBe('cancelled');
  });
});

describe('the limit of deletions in an hour', () => {
  it('holds what is too many, counts each job once, and lets pass what was released', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 1 });
    const [first, second, third] = await Promise.all(
      ['c-1', 'c-2', 'c-3'].map(async (clientId) => {
        await world.schedule({ clientId }, Date.now());
        return world.fetch();
      }),
    );
    if (first === undefined || second === undefined || third === undefined) throw new Error('no job');
    expect(await world.authorize(first)).toBe('go');
    expect(await world.authorize(first)).toBe('go');
    expect(await world.authorize(second)).toBe('held');
    expect(await world.authorize(second, second.data as object, 'sends nothing')).toBe('go');
    await world.decide(third, 'release');
    expect(await world.check(third)).toMatchObject({ is: 'released' });
    expect(await world.authorize(third)).toBe('go');
  });

  it('meets a deletion anew that has failed, and what was decided over it is forgotten', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 1 });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.decide(job, 'release');
    await world.authorize(job);
    await world.fail(job);
    await world.schedule({ clientId: 'c-2' }, Date.now());
    expect(await world.authorize(await world.fetch())).toBe('go');
    await job.retry('failed');
    const again = await world.fetch();
    expect(await world.check(again)).toMatchObject({ is: 'open' });
    expect(await world.authorize(again)).toBe('held');
  });

  it('counts one that is put back only once, and knows it by every name', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 2 });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.authorize(job);
    await world.fail(job);
    await job.retry('failed');
    const again = await world.fetch();
    expect(await world.authorize(again)).toBe('go');
    expect(await world.check(again)).toMatchObject({ is: 'released' });
    expect(await world.authorize(again, { clientId: 'c-1', userId })).toBe('go');
    expect(await world.deletions.cancel({ userId })).toBe('too-late');
  });

  it('forgets what was sent more than an hour ago', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 1 });
    const sent = `${world.prefix}:deletions-sent`;
    await world.redis.zadd(sent, Date.now() - 3_600_001, 'another');
    await world.schedule({ clientId: 'c-1' }, Date.now());
    expect(await world.authorize(await world.fetch())).toBe('go');
    expect(await world.redis.zcard(sent)).toBe(1);
    expect(await world.redis.pttl(sent)).toBeGreaterThan(3_500_000);
  });

  it('is the end of a failed one only for that one: what was sent stays sent', async () => {
    const world = await createDeletionsWorld();
    for (const clientId of ['c-1', 'c-2']) await world.schedule({ clientId }, Date.now());
    const [sent, other] = [await world.fetch(), await world.fetch()];
    await world.authorize(sent, { clientId: 'c-1', userId });
    await world.fail(other, { clientId: 'c-2', userId });
    expect(await world.check(sent, { userId })).toMatchObject({ is: 'released' });
  });

  it('holds no more what has to run no more, and its circuit closes with the last one', async () => {
    const world = await createDeletionsWorld();
    const circuit = `${world.prefix}:circuit:deletion-limit:all`;
    const heldBy = (circuit: string) => `${world.prefix}:circuit:${circuit}:held`;
    const [first, second] = await Promise.all(
      ['c-1', 'c-2'].map(async (clientId) => {
        await world.schedule({ clientId }, Date.now());
        return world.fetch();
      }),
    );
    if (first === undefined || second === undefined) throw new Error('no job');
    await world.redis.hset(circuit, 'since', 1);
    for (const job of [first, second])
      for (const circuit of ['deletion-limit', 'admin'])
        await world.redis.zadd(heldBy(circuit), 1, job.id ?? '');
    await world.check(first);
    expect(await world.redis.zcard(heldBy('deletion-limit'))).toBe(2);
    await world.decide(first, 'refuse');
    await world.check(first);
    expect(await world.redis.zrange(heldBy('deletion-limit'), 0, '-1')).toEqual([second.id]);
    expect(await world.redis.exists(circuit)).toBe(1);
    await world.decide(second, 'release');
    await world.check(second);
    expect(await world.redis.exists(circuit, heldBy('deletion-limit'), heldBy('admin'))).toBe(0);
  });

  it('does not close its circuit for a job that it does not hold', async () => {
    const world = await createDeletionsWorld();
    const circuit = `${world.prefix}:circuit:deletion-limit:all`;
    await world.redis.hset(circuit, 'since', 1);
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.redis.zadd(`${world.prefix}:circuit:admin:held`, 1, job.id ?? '');
    await world.decide(job, 'release');
    await world.check(job);
    expect(await world.redis.exists(circuit)).toBe(1);
  });

  it('refuses what an operator has refused, unless it was sent', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    await world.decide(job, 'refuse');
    expect(await world.check(job)).toMatchObject({ is: 'refused' });
    expect(await world.lifetimes()).toEqual([]);
    await world.authorize(job);
    expect(await world.check(job)).toMatchObject({ is: 'released' });
  });
});

describe('the list', () => {
  it('is in the order of due dates, whoever added them, and tells nothing but who and when', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'late', reason: 'a secret' }, inDays(3));
    await world.jobs.add('update-user', { clientId: 'c-1', changes: {} }, { delay: DAY_MS });
    await world.jobs.add('delete-user', { userId: userId.toUpperCase() }, { delay: DAY_MS });
    await world.jobs.add('delete-user', 'no object', { delay: DAY_MS });
    await world.schedule({ clientId: 'soon', instance: 'eu' }, inDays(2));
    const list = await world.list();
    expect(list).toMatchObject([
      { jobId: expect.any(String), instance: 'default', userId, isByOthers: true },
      { instance: 'eu', clientId: 'soon' },
      { instance: 'default', clientId: 'late' },
    ]);
    expect(list.flatMap((entry) => Object.keys(entry)).filter((key) => key === 'reason')).toEqual([]);
  });

  it('is cut by time, by user and behind an entry', async () => {
    const world = await createDeletionsWorld();
    const day = inDays(0);
    for (const n of [1, 2, 3, 4]) await world.schedule({ clientId: `c-${n}` }, day + n * DAY_MS);
    const ids = async (options: ListOptions) => (await world.list(options)).map(({ clientId }) => clientId);
    expect(await ids({ from: day + 2 * DAY_MS, until: day + 3 * DAY_MS })).toEqual(['c-2', 'c-3']);
    expect(await ids({ of: { clientId: 'c-3' } })).toEqual(['c-3']);
    const [, second] = await world.list();
    expect(await ids({ after: second })).toEqual(['c-3', 'c-4']);
    await world.deletions.cancel({ clientId: 'c-2' });
    expect(await ids({ after: second })).toEqual(['c-3', 'c-4']);
    expect(await world.deletions.find({ clientId: 'c-3' })).toMatchObject({ clientId: 'c-3' });
    expect(await world.deletions.find({ clientId: 'c-2' })).toBeUndefined();
  });

  it('goes on behind an entry that was moved since, and moves nothing itself', async () => {
    const world = await createDeletionsWorld();
    for (const n of [1, 2, 3]) await world.schedule({ clientId: `c-${n}` }, inDays(n));
    const [first, second] = await world.list();
    const ids = async (options?: ListOptions) => (await world.list(options)).map(({ clientId }) => clientId);
    await world.deletions.reschedule({ clientId: 'c-1' }, inDays(9));
    expect(await ids({ after: first })).toEqual(['c-2', 'c-3', 'c-1']);
    await world.deletions.reschedule({ clientId: 'c-2' }, inDays(0.5));
    expect(await ids({ after: second })).toEqual(['c-3', 'c-1']);
    expect(await ids()).toEqual(['c-2', 'c-3', 'c-1']);
  });

  it('tells thousands that are due in the same millisecond once each, while others come and go', async () => {
    const world = await createDeletionsWorld();
    const dueAt = inDays(30);
    const count = 2000;
    const all = Array.from({ length: count }, (_, n) => `c-${n}`);
    for (let n = 0; n < count; n += 500)
      await Promise.all(all.slice(n, n + 500).map((clientId) => world.schedule({ clientId }, dueAt)));
    const seen: string[] = [];
    const gone = new Set<string>();
    for await (const { clientId = '' } of world.deletions.list()) {
      seen.push(clientId);
      // The one that the list stands at, and one that it has not reached.
      if (seen.length % 500 === 0) {
        for (const victim of [clientId, all.find((id) => !seen.includes(id) && !gone.has(id)) ?? '']) {
          gone.add(victim);
          await world.deletions.cancel({ clientId: victim });
        }
        await world.schedule({ clientId: `early-${seen.length}` }, inDays(1));
      }
    }
    expect(new Set(seen).size).toBe(seen.length);
    const missed = all.filter((id) => !seen.includes(id) && !gone.has(id));
    expect(missed).toEqual([]);
  });
});

describe('a Redis that was emptied', () => {
  it('gets a new secret, and every process goes by it', async () => {
    const world = await createDeletionsWorld();
    const others = createDeletions({ jobs: world.jobs, prefix: world.prefix });
    await others.schedule({ clientId: 'c-1' }, inDays(30));
    await world.schedule({ clientId: 'c-1' });
    await world.redis.unlink(...(await world.redis.keys(`${world.prefix}*`)));
    await world.schedule({ clientId: 'c-1' });
    expect(await others.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });

  it('is asked with that secret by a worker, too, and for the list', async () => {
    const world = await createDeletionsWorld();
    const emptied = async () => {
      await world.redis.del(`${world.prefix}:deletion-salt`);
      return createDeletions({ jobs: world.jobs, prefix: world.prefix });
    };
    const [first, second] = await Promise.all(
      ['c-1', 'c-2', 'c-3'].map((clientId) =>
        world.jobs.add('delete-user', { clientId }, { delay: DAY_MS, timestamp: Date.now() - 1 }),
      ),
    );
    if (first === undefined || second === undefined) throw new Error('no job');
    expect(await world.check(first)).toMatchObject({ is: 'open' });
    expect(await world.list()).toHaveLength(3);
    await (await emptied()).cancel({ clientId: 'c-1' });
    expect(await world.list()).toHaveLength(2);
    expect(await world.check(first)).toMatchObject({ is: 'cancelled' });
    await (await emptied()).cancel({ clientId: 'c-2' });
    expect(await world.authorize(second)).toBe('cancelled');
    await (await emptied()).schedule({ clientId: 'c-4' }, inDays(1));
    expect(await world.deletions.find({ clientId: 'c-4' })).toMatchObject({ clientId: 'c-4' });
  });
});
