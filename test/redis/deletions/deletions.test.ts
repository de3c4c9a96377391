import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { BULK_PRIORITY } from '../../../src/contract/bulk-priority.ts';
import {
  type DeletionRequest,
  type Scheduled,
  LAST_DUE_MS,
  createDeletions,
} from '../../../src/redis/deletions/deletions.ts';
import type { Deletion, ListOptions } from '../../../src/redis/deletions/deletion-list.ts';
import { createLastMoment } from '../../../src/redis/deletions/last-moment.ts';
import { createLedgerWorld, userId } from '../ledger/ledger-world.ts';

const DAY_MS = 24 * 3600 * 1000;
const inDays = (days: number) => Date.now() + days * DAY_MS;

async function createDeletionWorld() {
  const world = await createLedgerWorld();
  const { jobs, prefix, redis } = world;
  const deletions = createDeletions({ jobs, prefix });
  const guard = createLastMoment({ jobs, prefix, deletionsPerHour: 100 });
  const jobKey = (jobId: string) => jobs.toKey(jobId);
  return {
    ...world,
    deletions,
    /** The user has signed up so many days from now (or before), and that sign-up is settled. */
    async returned(clientId: string, days: number) {
      const job = await world.start('create-user', { timestamp: inDays(days) });
      const user = await world.take(job, { clientId });
      const returned = { instance: 'default', clientId, userId };
      await user.settle({ ...world.settlementOf(job), returned }, { record: user.record });
    },
    async schedule(request: DeletionRequest, dueAt = inDays(30)): Promise<Scheduled> {
      const scheduled = await deletions.schedule(request, dueAt);
      if (scheduled === 'too-late') throw new Error('too late');
      return scheduled;
    },
    commit: (job: Job, ids: { clientId?: string; userId?: string }) =>
      guard.commit({ jobId: job.id ?? '', token: job.token ?? '' }, 'default', ids, 'sends'),
    /** The job is over, as a worker ends it. */
    complete: (job: Job) => job.moveToCompleted({}, job.token ?? '', false),
    fail: (job: Job) => job.moveToFailed(new Error('forbidden: no'), job.token ?? '', false),
    /** As if the hour were over for which a completed job is kept. */
    forget: (jobId: string) => redis.multi().del(jobKey(jobId)).zrem(jobs.toKey('completed'), jobId).exec(),
    field: (jobId: string, name: string) => redis.hget(jobKey(jobId), name),
    async list(options?: ListOptions): Promise<Deletion[]> {
      const all: Deletion[] = [];
      for await (const deletion of deletions.list(options)) all.push(deletion);
      return all;
    },
  };
}

describe('a deletion that is scheduled', () => {
  it('is a delayed job that says no more than who is to be deleted', async () => {
    const world = await createDeletionWorld();
    const dueAt = inDays(30);
    const { is, jobId, dueAt: due } = await world.schedule({ clientId: 'c-1' }, dueAt);
    expect({ is, due }).toEqual({ is: 'scheduled', due: dueAt });
    const job = await world.jobs.getJob(jobId);
    expect(await job?.getState()).toBe('delayed');
    expect(job).toMatchObject({ name: 'delete-user', data: { clientId: 'c-1' }, opts: {} });
    expect((job?.timestamp ?? 0) + (job?.delay ?? 0)).toBe(dueAt);
  });

  it('is undone by the newest return, in whatever order they are settled', async () => {
    const world = await createDeletionWorld();
    const ask = (days: number) =>
      world.deletions.schedule({ clientId: 'c-1' }, inDays(1), { requestedAt: inDays(days) });
    await ask(-10);
    await world.returned('c-1', -7);
    await world.returned('c-1', -9);
    expect(await ask(-8)).toMatchObject({ is: 'exists' });
    await (await world.jobs.getDelayed())[0]?.promote();
    expect(await world.commit(await world.fetch(), { clientId: 'c-1' })).toBe('returned');
  });

  it('is due at once where its time is over', async () => {
    const world = await createDeletionWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' }, inDays(-1));
    expect((await world.fetch()).id).toBe(jobId);
  });

  it('keeps what else was said for the worker', async () => {
    const world = await createDeletionWorld();
    const request = { userId, reason: 'closed', correlationId: 'r-1', instance: 'eu' };
    const { jobId } = await world.schedule(request);
    expect((await world.jobs.getJob(jobId))?.data).toEqual(request);
  });

  it('is refused beyond what the queue can count to, in seconds, and where it is no job', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'c-1' }, LAST_DUE_MS);
    for (const dueAt of [LAST_DUE_MS + 1, Infinity, Number.NaN])
      await expect(world.schedule({ clientId: 'c-2' }, dueAt)).rejects.toThrow('2039-09-07');
    const inSeconds = Math.floor(Date.now() / 1000);
    await expect(world.schedule({ clientId: 'c-2' }, inSeconds)).rejects.toThrow('seconds instead of');
    await expect(world.schedule({})).rejects.toThrow('needs clientId or userId');
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('costs at most 600 bytes of Redis, all keys included', async () => {
    const world = await createDeletionWorld();
    const count = 5000;
    const all = Array.from({ length: count }, (_, n) => ({ clientId: `customer-${100_000 + n}` }));
    for (let n = 0; n < count; n += 500)
      await Promise.all(all.slice(n, n + 500).map((request) => world.schedule(request)));
    const keys = await world.redis.keys(`${world.prefix}*`);
    const bounded = ['events', 'meta', 'id', 'marker'].map((name) => world.jobs.toKey(name));
    const sizes = await Promise.all(
      keys
        .filter((key) => !bounded.includes(key))
        .map((key) => world.redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0') as Promise<number>),
    );
    expect(keys.filter((key) => key.includes(':deletion'))).toEqual([`${world.prefix}:deletion-salt`]);
    expect(sizes.reduce((sum, size) => sum + size, 0) / count).toBeLessThanOrEqual(600);
  });

  it('has an id that only Redis itself can tell whose it is', async () => {
    const [one, other] = [await createDeletionWorld(), await createDeletionWorld()];
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
    const world = await createDeletionWorld();
    const { jobId, dueAt } = await world.schedule(first, inDays(30));
    expect(await world.schedule(second, inDays(60))).toMatchObject({ is: 'exists', jobId, dueAt });
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('of two at once makes one job', async () => {
    const world = await createDeletionWorld();
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

  it('of another instance or another kind of id is another user’s', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: userId });
    for (const request of [{ clientId: userId, instance: 'eu' }, { userId }])
      expect(await world.schedule(request)).toMatchObject({ is: 'scheduled' });
  });

  it('counts from now on, so that a return before it does not undo it', async () => {
    const world = await createDeletionWorld();
    const { jobId, dueAt } = await world.schedule({ clientId: 'c-1' });
    await world.redis.hset(world.jobs.toKey(jobId), 'timestamp', Date.now() - DAY_MS);
    const before = Date.now();
    const { requestedAt } = await world.schedule({ clientId: 'c-1' }, inDays(60));
    expect(requestedAt).toBeGreaterThanOrEqual(before);
    const job = await world.jobs.getJob(jobId);
    expect((job?.timestamp ?? 0) + (job?.delay ?? 0)).toBe(dueAt);
  });

  it('goes behind live jobs as one of many, until somebody asks for it alone', async () => {
    const world = await createDeletionWorld();
    const { jobId } = await world.schedule({ clientId: 'alone' });
    await world.deletions.schedule({ clientId: 'alone' }, inDays(1), { isBulk: true });
    expect(await world.field(jobId, 'priority')).toBe('0');
    const many = await world.deletions.schedule({ clientId: 'c-1' }, inDays(1), { isBulk: true });
    if (many === 'too-late') throw new Error('too late');
    expect(await world.field(many.jobId, 'priority')).toBe(`${BULK_PRIORITY}`);
    expect(await world.schedule({ clientId: 'c-1' })).toMatchObject({ is: 'exists', jobId: many.jobId });
    expect(await world.field(many.jobId, 'priority')).toBe('0');
  });

  it('moves the first one where it is asked to', async () => {
    const world = await createDeletionWorld();
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
    const world = await createDeletionWorld();
    const seen = new Set<string>();
    for (const end of ['complete', 'fail', 'cancel', 'forget'] as const) {
      const { is, jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
      expect({ is, isNew: !seen.has(jobId) }).toEqual({ is: 'scheduled', isNew: true });
      seen.add(jobId);
      if (end === 'cancel') await world.deletions.cancel({ clientId: 'c-1' });
      const job = await world.fetch();
      await world.commit(job, { clientId: 'c-1' });
      await (end === 'fail' ? world.fail(job) : world.complete(job));
      if (end === 'forget') await world.forget(jobId);
    }
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    expect(seen.has(jobId)).toBe(false);
    expect(await world.schedule({ clientId: 'c-1' })).toMatchObject({ is: 'exists', jobId });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });
});

describe('rescheduling', () => {
  it('moves what is pending, and makes nothing', async () => {
    const world = await createDeletionWorld();
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(1))).toBe('none');
    const { jobId, requestedAt } = await world.schedule({ clientId: 'c-1' });
    const dueAt = inDays(1);
    const moved = { is: 'moved', jobId, dueAt, requestedAt };
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, dueAt)).toEqual(moved);
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('of one that is at work and not sent yet puts another in its place', async () => {
    const world = await createDeletionWorld();
    const first = await world.schedule({ clientId: 'c-1', reason: 'closed' }, Date.now());
    const job = await world.fetch();
    const moved = await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7));
    expect(moved).toMatchObject({ is: 'moved', jobId: `${first.jobId}-1` });
    expect(await world.commit(job, { clientId: 'c-1' })).toBe('cancelled');
    expect(await world.list()).toMatchObject([{ jobId: `${first.jobId}-1`, clientId: 'c-1' }]);
    expect((await world.jobs.getJob(`${first.jobId}-1`))?.data).toEqual({
      clientId: 'c-1',
      reason: 'closed',
    });
  });

  it('of one that was sent is too late', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    expect(await world.commit(job, { clientId: 'c-1' })).toBe('go');
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7))).toBe('too-late');
    await world.complete(job);
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, inDays(7))).toBe('done');
  });
});

describe('cancelling', () => {
  it('of what is pending has it end at once, and never sent', async () => {
    const world = await createDeletionWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.list()).toEqual([]);
    const job = await world.fetch();
    expect(job.id).toBe(jobId);
    expect(await world.commit(job, { clientId: 'c-1' })).toBe('cancelled');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled-before');
    await world.complete(job);
    await world.forget(jobId);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled-before');
  });

  it('of nothing is none', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'c-2' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    expect(await world.list()).toHaveLength(1);
  });

  it('after the last moment is too late, and done when that is over, also when its job is gone', async () => {
    const world = await createDeletionWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    expect(await world.commit(job, { clientId: 'c-1', userId })).toBe('go');
    const answers = () =>
      Promise.all([{ clientId: 'c-1' }, { userId }].map((of) => world.deletions.cancel(of)));
    expect(await answers()).toEqual(['too-late', 'too-late']);
    expect(await world.commit(job, { clientId: 'c-1', userId })).toBe('go');
    await world.complete(job);
    expect(await answers()).toEqual(['done', 'done']);
    await world.forget(jobId);
    expect(await answers()).toEqual(['done', 'done']);
  });

  it('of one that failed after it was sent is too late: nobody knows what it did', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.commit(job, { clientId: 'c-1' });
    await world.fail(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
  });

  it('of one that failed unsent is none, and holds where it is put back by hand', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.fail(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    await job.retry('failed');
    expect(await world.commit(await world.fetch(), { clientId: 'c-1' })).toBe('cancelled');
  });

  it.each([{ clientId: 'c-1' }, { userId }, { clientId: 'c-1', userId }])(
    'by %j finds a deletion that named both ids',
    async (address) => {
      const world = await createDeletionWorld();
      await world.schedule({ clientId: 'c-1', userId });
      expect(await world.deletions.cancel(address)).toBe('cancelled');
      expect(await world.commit(await world.fetch(), { clientId: 'c-1', userId })).toBe('cancelled');
    },
  );

  it('under one id holds for a deletion under the other, where it was asked for before', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.schedule({ userId });
    const job = await world.fetch();
    expect(await world.deletions.cancel({ userId })).toBe('cancelled');
    expect(await world.commit(job, { clientId: 'c-1', userId })).toBe('cancelled');
  });

  it('under one id does not concern a deletion under the other that is asked for later', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ userId });
    await world.deletions.cancel({ userId });
    await world.complete(await world.fetch());
    const { requestedAt, jobId } = await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.redis.hset(world.jobs.toKey(jobId), 'timestamp', requestedAt + 1);
    expect(await world.commit(await world.fetch(), { clientId: 'c-1', userId })).toBe('go');
  });

  it('holds for a run that has lost its job, which sends nothing', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.loseLock(job);
    expect(await world.commit(job, { clientId: 'c-1' })).toBe('lost');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });
});

describe('deletions that other BullMQ clients have added', () => {
  it.each(['delayed', 'waiting', 'active'])(
    'are cancelled while %s, all that are the user’s',
    async (state) => {
      const world = await createDeletionWorld();
      const delay = state === 'delayed' ? DAY_MS : 0;
      const others = [{ clientId: 'c-2' }, { clientId: 'c-1', instance: 'eu' }];
      for (const data of [{ clientId: 'c-1' }, { userId: userId.toUpperCase() }, ...others])
        await world.jobs.add('delete-user', data, { delay });
      await world.jobs.add('update-user', { clientId: 'c-1', changes: {} }, { delay });
      if (state === 'active') for (let n = 0; n < 5; n += 1) await world.fetch();
      expect(await world.deletions.cancel({ clientId: 'c-1', userId }, { searches: false })).toBe('none');
      expect(await world.deletions.cancel({ clientId: 'c-1', userId })).toBe('cancelled');
      const marks = await Promise.all(['1', '2', '3', '4', '5'].map((id) => world.field(id, 'cx')));
      expect(marks.map((mark) => mark !== null)).toEqual([true, true, false, false, false]);
    },
  );

  it('are cancelled where there are thousands of others', async () => {
    const world = await createDeletionWorld();
    await world.jobs.addBulk(
      Array.from({ length: 3000 }, (_, n) => ({
        name: 'delete-user',
        data: { clientId: `c-${n}` },
        opts: { delay: DAY_MS },
      })),
    );
    await world.jobs.addBulk(
      Array.from({ length: 3000 }, (_, n) => ({ name: 'delete-user', data: { clientId: `w-${n}` } })),
    );
    for (const clientId of ['c-0', 'c-2999', 'w-0', 'w-2999'])
      expect(await world.deletions.cancel({ clientId })).toBe('cancelled');
    expect(await world.deletions.cancel({ clientId: 'w-3000' })).toBe('none');
  });

  it('are cancelled with one of ours, without a search', async () => {
    const world = await createDeletionWorld();
    const theirs = await world.jobs.add('delete-user', { clientId: 'c-1' });
    await world.schedule({ clientId: 'c-1' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    const job = await world.fetch();
    expect(job.id).toBe(theirs.id);
    expect(await world.commit(job, { clientId: 'c-1' })).toBe('cancelled');
  });

  it('are done once they were sent, and a new one can be cancelled', async () => {
    const world = await createDeletionWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    await world.commit(job, { clientId: 'c-1' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
    await world.complete(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('done');
    await world.jobs.add('delete-user', { clientId: 'c-1' }, { delay: DAY_MS });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });
});

describe('the list', () => {
  it('is in the order of due dates, whoever added them, and tells nothing but who and when', async () => {
    const world = await createDeletionWorld();
    await world.schedule({ clientId: 'late', reason: 'a secret' }, inDays(3));
    await world.jobs.add('update-user', { clientId: 'c-1', changes: {} }, { delay: DAY_MS });
    await world.jobs.add('delete-user', { userId: userId.toUpperCase() }, { delay: DAY_MS });
    await world.jobs.add('delete-user', 'no object', { delay: DAY_MS });
    await world.schedule({ clientId: 'soon', instance: 'eu' }, inDays(2));
    const list = await world.list();
    expect(list).toMatchObject([
      { jobId: '3', instance: 'default', userId },
      { instance: 'eu', clientId: 'soon' },
      { instance: 'default', clientId: 'late' },
    ]);
    expect(list.flatMap((entry) => Object.keys(entry)).filter((key) => key === 'reason')).toEqual([]);
  });

  it('is cut by time, by user and behind an entry', async () => {
    const world = await createDeletionWorld();
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

  it('tells thousands that are due in the same millisecond once each, while others come and go', async () => {
    const world = await createDeletionWorld();
    const dueAt = inDays(30);
    const count = 6000;
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
          await world.deletions.cancel({ clientId: victim }, { searches: false });
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
    const world = await createDeletionWorld();
    const others = createDeletions({ jobs: world.jobs, prefix: world.prefix });
    await others.schedule({ clientId: 'c-1' }, inDays(30));
    await world.schedule({ clientId: 'c-1' });
    await world.redis.unlink(...(await world.redis.keys(`${world.prefix}*`)));
    await world.schedule({ clientId: 'c-1' });
    expect(await others.cancel({ clientId: 'c-1' }, { searches: false })).toBe('cancelled');
  });
});
