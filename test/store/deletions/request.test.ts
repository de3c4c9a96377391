import { describe, expect, it } from 'vitest';
import { BULK_PRIORITY } from '../../../src/contract/job-options.ts';
import { type Scheduled, LAST_DUE_MS, createDeletions } from '../../../src/store/deletions/deletions.ts';
import { createDeletionsWorld, inDays, userId } from './deletions-world.ts';

describe('a deletion that is scheduled', () => {
  it('is a delayed job that says no more than who is to be deleted', async () => {
    const world = await createDeletionsWorld();
    const dueAt = inDays(30);
    const { is, jobId, dueAt: due } = await world.schedule({ clientId: 'c-1', instance: 'default' }, dueAt);
    expect({ is, due }).toEqual({ is: 'scheduled', due: dueAt });
    const job = await world.jobs.getJob(jobId);
    expect(await job?.getState()).toBe('delayed');
    expect(job).toMatchObject({ name: 'delete-user', opts: {} });
    expect(job?.data).toEqual({ clientId: 'c-1' });
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

  it('is undone by a sign-up under the other name, which leads to it', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ userId }, Date.now());
    await world.schedule({ clientId: 'c-1', userId });
    await world.returned('c-1', 1);
    expect(await world.authorize(await world.fetch(), { userId })).toBe('returned');
  });

  it('is not undone by a sign-up once it was sent, but again once it has failed', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.authorize(job);
    const returnedAt = async () => world.redis.hget(await world.keyOf({ clientId: 'c-1' }), 'returnedAt');
    await world.returned('c-1', 1);
    expect(await returnedAt()).toBeNull();
    await world.redis.hset(await world.keyOf({ clientId: 'c-1' }), 'sentEnd', 'failed');
    await world.returned('c-1', 1);
    expect(await returnedAt()).not.toBeNull();
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

  it('keeps the trace of its request only where it is due at once', async () => {
    const world = await createDeletionsWorld();
    const kept = async (clientId: string, dueAt: number, trace = 'a trace') => {
      const scheduled = await world.deletions.schedule({ clientId }, dueAt, { trace });
      if (scheduled === 'too-late') throw new Error('too late');
      return (await world.jobs.getJob(scheduled.jobId))?.opts.telemetry?.metadata;
    };
    expect(await kept('c-1', Date.now())).toBe('a trace');
    expect(await kept('c-2', inDays(30))).toBeUndefined();
    expect(await kept('c-3', Date.now(), '')).toBeUndefined();
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
    await world.deletions.schedule({ clientId: 'c-1' }, inDays(1), { isBulk: true });
    await world.deletions.reschedule({ clientId: 'c-1' }, inDays(2));
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
