import { describe, expect, it } from 'vitest';
import { createDeletions } from '../../src/redis/deletions/deletions.ts';
import { type WorldOptions, createWorld } from '../support/world.ts';

const DAY_MS = 24 * 3600 * 1000;

async function createDeletionWorld(options?: WorldOptions) {
  const world = await createWorld(options);
  const deletions = createDeletions({ jobs: world.jobs, prefix: world.prefix });
  return {
    ...world,
    deletions,
    /** A deletion of the user, and the id of its job. */
    async schedule(clientId: string, dueAt = Date.now() + DAY_MS): Promise<string> {
      const scheduled = await deletions.schedule({ clientId }, dueAt);
      if (scheduled === 'too-late') throw new Error('too late');
      return scheduled.jobId;
    },
    /** Resolves once the sandbox has received so many requests of the kind. */
    received: (operation: string, count = 1) =>
      expect.poll(async () => (await world.requests(operation)).length, { interval: 5 }).toBe(count),
    deleted: async () => (await world.users()).filter(({ deletedAt }) => deletedAt !== null).length,
  };
}

const CANCELLED = { type: 'user.superseded', data: { operation: 'delete-user', by: 'cancellation' } };

describe('a scheduled deletion', () => {
  it('is carried out when it is due, and done from then on', async () => {
    const world = await createDeletionWorld();
    const userId = await world.signUpElsewhere('c-1');
    const jobId = await world.schedule('c-1', Date.now() + 50);
    expect(await world.eventOf(jobId)).toMatchObject({
      type: 'user.deleted',
      data: { userId, existed: true },
    });
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('completed');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('done');
    expect(await world.deletions.cancel({ userId })).toBe('done');
  });

  it('that is cancelled ends with its one event, and Damoov is not called', async () => {
    const world = await createDeletionWorld();
    await world.signUpElsewhere('c-1');
    const jobId = await world.schedule('c-1');
    const before = (await world.requests()).length;
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
    expect(await world.requests()).toHaveLength(before);
    expect(world.events).toHaveLength(1);
  });

  it('that is cancelled while its user is looked up is not sent', async () => {
    const world = await createDeletionWorld({ modes: { latencyMs: 100 } });
    await world.signUpElsewhere('c-1');
    const jobId = await world.schedule('c-1', Date.now());
    await world.received('find');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
    expect(await world.requests('delete')).toEqual([]);
  });

  it('of nobody that is cancelled in time ends as cancelled', async () => {
    const world = await createDeletionWorld({ modes: { latencyMs: 100 } });
    const jobId = await world.schedule('c-1', Date.now());
    await world.received('find');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
  });

  it('that was sent once is carried out in the end, whatever it meets, and is too late to cancel', async () => {
    const world = await createDeletionWorld();
    const userId = await world.signUpElsewhere('c-1');
    await world.run('update-user', { clientId: 'c-1', changes: { nickname: 'n' } });
    await world.setModes({ latencyMs: 100 });
    const jobId = await world.schedule('c-1', Date.now());
    await world.received('delete');
    await world.setModes({ errorRate: 1, errorStatus: 503, latencyMs: 0 });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
    await world.setModes({ errorRate: 0 });
    expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.deleted', data: { userId } });
  });

  it('that is cancelled while it waits before a shut gate ends all the same', async () => {
    const hour = { firstMs: 3_600_000, lastMs: 3_600_000 };
    const world = await createDeletionWorld({
      env: { DAMOOV_ADMIN_PASSWORD: 'wrong' },
      timings: { probes: { credential: hour, outage: hour } },
    });
    const jobId = await world.schedule('c-1', Date.now());
    await expect.poll(() => world.redis.zscore(`${world.prefix}:gate:admin:held`, jobId)).not.toBeNull();
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
  });

  it('that a return has undone is none, and counts when it is asked for again', async () => {
    const world = await createDeletionWorld();
    const scheduleYesterday = async () => {
      const jobId = await world.schedule('c-1');
      await world.redis.hset(world.jobs.toKey(jobId), 'timestamp', Date.now() - DAY_MS);
      return jobId;
    };
    await world.run('create-user', { clientId: 'c-1' });
    const undone = await scheduleYesterday();
    await world.run('create-user', { clientId: 'c-1' });
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, Date.now())).toMatchObject({ is: 'moved' });
    expect(await world.eventOf(undone)).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    await expect.poll(async () => (await world.jobs.getJob(undone))?.getState()).toBe('completed');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');

    const first = await scheduleYesterday();
    await world.run('create-user', { clientId: 'c-1' });
    expect(await world.schedule('c-1')).toBe(first);
    await world.deletions.reschedule({ clientId: 'c-1' }, Date.now());
    expect(await world.eventOf(first)).toMatchObject({ type: 'user.deleted', data: { existed: true } });
  });

  it('that is cancelled leaves a user who can be changed and signed up at once', async () => {
    const world = await createDeletionWorld();
    await world.run('create-user', { clientId: 'c-1' });
    await world.setModes({ latencyMs: 50 });
    const jobId = await world.schedule('c-1', Date.now());
    await world.received('find');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    await world.eventOf(jobId);
    const changes = { nickname: 'still here' };
    expect((await world.run('update-user', { clientId: 'c-1', changes })).type).toBe('user.updated');
    expect((await world.run('create-user', { clientId: 'c-1' })).data).toMatchObject({ existed: true });
    expect(await world.deleted()).toBe(0);
  });

  it('under each id of a user deletes the user once, and the other finds nobody', async () => {
    const world = await createDeletionWorld();
    const userId = await world.signUpElsewhere('c-1');
    const byClient = await world.schedule('c-1', Date.now());
    expect((await world.eventOf(byClient)).type).toBe('user.deleted');
    const byUser = await world.add('delete-user', { userId });
    expect(await world.eventOf(byUser)).toMatchObject({ type: 'user.deleted', data: { existed: false } });
  });
});

describe('a delayed deletion of another BullMQ client', () => {
  it('is cancelled like our own, while it waits and at its last moment', async () => {
    const world = await createDeletionWorld({ modes: { latencyMs: 100 } });
    const userId = await world.signUpElsewhere('c-1');
    const later = await world.add('delete-user', { clientId: 'c-1' }, { delay: DAY_MS });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(later)).toMatchObject(CANCELLED);

    const now = await world.add('delete-user', { userId });
    await world.received('find');
    expect(await world.deletions.cancel({ userId })).toBe('cancelled');
    expect(await world.eventOf(now)).toMatchObject(CANCELLED);
    expect(await world.requests('delete')).toEqual([]);
  });
});
