import { describe, expect, it, onTestFinished } from 'vitest';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { createDeletions } from '../../src/store/deletions/deletions.ts';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

/** A user, and a producer. */
async function createSuspensions() {
  const world = await createWorld();
  const users = new UserJobs({ redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix });
  onTestFinished(() => users.close());
  const { subject = '' } = await world.run('create-user', { clientId: 'c' });
  return { world, users, userId: subject };
}

async function allOf<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}

const C = { clientId: 'c' };
const IN_30_DAYS = { in: '30d', suspends: true } as const;
/** The status at Damoov, once nothing is waiting that is not deferred. */
async function statusOf(world: World) {
  await expect.poll(() => world.jobs.getJobCountByTypes('wait', 'active', 'prioritized')).toBe(0);
  return (await world.users()).map((user) => (user as { status?: string }).status);
}

describe('a user whose deletion is deferred, and who is suspended until then', () => {
  it('is suspended at once, and resumed if the deletion is cancelled', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(await users.cancelDeletion(C)).toBe('cancelled');
    expect(await statusOf(world)).toEqual(['Active']);
    // It answers the same once more, and does nothing.
    const before = await world.requests('update');
    expect(await users.cancelDeletion(C)).toBe('cancelled');
    await statusOf(world);
    expect(await world.requests('update')).toEqual(before);
  });

  it('is deleted when that is due', async () => {
    const { world, users, userId } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    await users.delete(C, { in: 0, reschedules: true });
    await expect.poll(() => world.events.at(-1)).toMatchObject({ type: 'user.deleted', subject: userId });
  });

  it('stays suspended if it was before', async () => {
    const { world, users } = await createSuspensions();
    await (await users.suspend(C)).result();
    await users.delete(C, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(await users.cancelDeletion(C)).toBe('cancelled');
    expect(await statusOf(world)).toEqual(['Inactive']);
  });

  it('stays suspended if somebody suspends it meanwhile', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await (await users.suspend(C)).result();
    await users.cancelDeletion(C);
    expect(await statusOf(world)).toEqual(['Inactive']);
  });

  it('is resumed by a sign-up, which voids the deletion', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(await world.run('create-user', C)).toMatchObject({ data: { existed: true } });
    await expect.poll(() => statusOf(world)).toEqual(['Active']);
    // One that was suspended by hand is not.
    await (await users.suspend(C)).result();
    await world.run('create-user', C);
    expect(await statusOf(world)).toEqual(['Inactive']);
  });

  it('is suspended once, however often that is asked, and a second time after a cancellation', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, { in: '30d' });
    expect(await statusOf(world)).toEqual(['Active']);
    await users.delete(C, IN_30_DAYS);
    await users.delete(C, IN_30_DAYS);
    await users.delete(C, { ...IN_30_DAYS, in: '60d', reschedules: true });
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(await world.requests('update')).toHaveLength(1);
    await users.cancelDeletion(C);
    expect(await statusOf(world)).toEqual(['Active']);
    await users.delete(C, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    await users.cancelDeletion(C);
    expect(await statusOf(world)).toEqual(['Active']);
  });

  it('is suspended also where the reply of Damoov is lost, and then resumed', async () => {
    const { world, users } = await createSuspensions();
    await world.run('update-user', { ...C, changes: { phone: '1' } });
    await world.setModes({ commitThenDropRate: 1 });
    await users.delete(C, IN_30_DAYS);
    await expect.poll(async () => (await world.requests('update')).at(-1)?.applied).toBe(true);
    await world.setModes({ commitThenDropRate: 0 });
    await users.cancelDeletion(C);
    await expect.poll(() => statusOf(world)).toEqual(['Active']);
  });

  it('is resumed with the next look if the deletion is cancelled by its UserId', async () => {
    const { world, users, userId } = await createSuspensions();
    const { id } = await users.delete(C, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(await users.cancelDeletion({ userId })).toBe('none');
    await (await world.jobs.getJob(id))?.promote();
    await expect.poll(() => statusOf(world)).toEqual(['Active']);
    expect(world.events.at(-1)).toMatchObject({ type: 'user.superseded', data: { by: 'cancellation' } });
  });

  it('is resumed under another clientId', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await world.run('update-user', { ...C, changes: { clientId: 'other' } });
    expect(await users.cancelDeletion(C)).toBe('cancelled');
    await expect.poll(() => statusOf(world)).toEqual(['Active']);
  });

  it('is the one that is deleted, whoever has its clientId by then', async () => {
    const { world, users, userId } = await createSuspensions();
    const { subject: x = '' } = await world.run('create-user', { clientId: 'x' });
    await users.delete({ userId }, IN_30_DAYS);
    await statusOf(world);
    await world.run('update-user', { userId, changes: { clientId: 'other' } });
    await world.run('update-user', { userId: x, changes: { clientId: 'c' } });
    expect(await users.cancelDeletion({ userId: x })).toBe('none');
    expect(await users.delete({ userId: x }, { in: '10d' })).toMatchObject({ is: 'scheduled' });
    await users.delete({ userId }, { in: 0, reschedules: true });
    await expect.poll(() => world.events.at(-1)).toMatchObject({ type: 'user.deleted', subject: userId });
  });

  it('is deleted under another clientId', async () => {
    const { world, users, userId } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await world.run('update-user', { ...C, changes: { clientId: 'other' } });
    await users.delete(C, { in: 0, reschedules: true });
    await expect.poll(() => world.events.at(-1)).toMatchObject({ type: 'user.deleted', subject: userId });
  });

  it.each([
    ['by its cancellation', (users: UserJobs) => users.cancelDeletion(C)],
    ['by a sign-up', (users: UserJobs) => users.create(C)],
  ])('is remembered for as long, until it is resumed %s', async (_how, voidDeletion) => {
    const { world, users } = await createSuspensions();
    const leastDays = async () => {
      const keys = (await world.redis.keys(`${world.prefix}:user:*`)).filter((key) =>
        /:user:[^:]*$/.test(key),
      );
      const seconds = await Promise.all(keys.map((key) => world.redis.ttl(key)));
      return Math.min(...seconds) / 86_400;
    };
    await users.delete(C, { in: '900d', suspends: true });
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(await leastDays()).toBeGreaterThan(900);
    await world.run('update-user', { ...C, changes: { phone: '1' } });
    expect(await leastDays()).toBeGreaterThan(900);
    await voidDeletion(users);
    await expect.poll(() => statusOf(world)).toEqual(['Active']);
    await expect.poll(leastDays).toBeLessThan(31);
  });

  it.each([
    ['by its cancellation', (users: UserJobs) => users.cancelDeletion(C)],
    ['by a sign-up', (users: UserJobs) => users.create(C)],
  ])('is resumed %s after the deletion was rescheduled', async (_how, voidDeletion) => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await users.rescheduleDeletion(C, { in: '60d' });
    await users.rescheduleDeletion(C, { in: '50d' });
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(world.events.map(({ type }) => type)).toEqual(['user.created']);
    await voidDeletion(users);
    await expect.poll(() => statusOf(world)).toEqual(['Active']);
    expect(await world.requests('update')).toHaveLength(2);
  });

  it('stays active if somebody resumes it meanwhile', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await (await users.resume(C)).result();
    await users.rescheduleDeletion(C, { in: '60d' });
    expect(await statusOf(world)).toEqual(['Active']);
    const before = await world.requests('update');
    await users.cancelDeletion(C);
    await statusOf(world);
    expect(await world.requests('update')).toEqual(before);
  });

  it('is active under its next deletion, unless that suspends it, too', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await users.cancelDeletion(C);
    await users.delete(C, { in: '30d' });
    await expect.poll(() => statusOf(world)).toEqual(['Active']);
    await users.delete(C, IN_30_DAYS);
    await users.cancelDeletion(C);
    await users.delete(C, IN_30_DAYS);
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    await expect.poll(() => statusOf(world)).toEqual(['Inactive']);
  });

  it('waits for its deletion to the millisecond, is listed meanwhile, and looks daily whether that is wanted', async () => {
    const { world, users } = await createSuspensions();
    const { dueAt, id } = await users.delete(C, { in: '12h', suspends: true });
    await statusOf(world);
    await expect.poll(async () => (await world.jobs.getJob(id))?.delay).toBeGreaterThan(0);
    const job = await world.jobs.getJob(id);
    expect(Math.abs((job?.processedOn ?? 0) + (job?.delay ?? 0) - dueAt.getTime())).toBeLessThan(60_000);
    const deletions = createDeletions({ jobs: world.jobs, prefix: world.prefix });
    expect(await allOf(deletions.list())).toMatchObject([{ clientId: 'c', dueAt: dueAt.getTime() }]);
    await users.rescheduleDeletion(C, { in: '90d' });
    const DAY_MS = 24 * 3_600_000;
    await expect
      .poll(async () => (await world.jobs.getDelayed()).map(({ delay }) => Math.round(delay / DAY_MS)))
      .toEqual([1]);
  });

  it('is deleted when that is due, though it could not be suspended', async () => {
    const { world, users, userId } = await createSuspensions();
    await world.setModes({ errorRate: 1, errorStatus: 400 });
    await users.delete(C, IN_30_DAYS);
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    await world.setModes({ errorRate: 0 });
    expect(await world.jobs.getFailedCount()).toBe(0);
    await users.delete(C, { in: 0, reschedules: true });
    await expect.poll(() => world.events.at(-1)).toMatchObject({ type: 'user.deleted', subject: userId });
  });

  it('that was deleted has no suspension left for the next one', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await users.delete(C, { in: 0, reschedules: true });
    await expect.poll(() => world.events.at(-1)?.type).toBe('user.deleted');
    await world.run('create-user', C);
    await (await users.suspend(C)).result();
    await users.delete(C, { in: '30d' });
    await users.cancelDeletion(C);
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(0);
    expect((await statusOf(world)).at(-1)).toBe('Inactive');
  });

  it('may not exist: the deletion waits all the same', async () => {
    const { world, users } = await createSuspensions();
    await users.delete({ clientId: 'nobody' }, IN_30_DAYS);
    await expect
      .poll(async () => (await world.jobs.getDelayed()).map(({ attemptsStarted }) => attemptsStarted))
      .toEqual([1]);
    expect(await users.cancelDeletion({ clientId: 'nobody' })).toBe('cancelled');
    await expect.poll(() => world.events.at(-1)?.type).toBe('user.superseded');
    expect(await world.requests('update')).toEqual([]);
  });

  it('is asked for again while it is resumed: that is another deletion', async () => {
    const { world, users } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    await world.setModes({ latencyMs: 500 });
    await (await users.create(C)).result();
    await expect.poll(async () => (await world.requests('update')).length).toBe(2);
    expect(await users.delete(C, { in: '30d' })).toMatchObject({ is: 'scheduled' });
    await world.setModes({ latencyMs: 0 });
    expect(await statusOf(world)).toEqual(['Active']);
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('is not suspended once its deletion was cancelled by another id, and no run follows another', async () => {
    const { world, users, userId } = await createSuspensions();
    await world.jobs.pause();
    const { id } = await users.delete({ userId }, IN_30_DAYS);
    await users.cancelDeletion(C);
    await world.jobs.resume();
    expect(await world.eventOf(id)).toMatchObject({ type: 'user.superseded', data: { by: 'cancellation' } });
    expect(await statusOf(world)).toEqual(['Active']);
  });

  it('has two deletions under two ids: a cancellation voids both', async () => {
    const { world, users, userId } = await createSuspensions();
    await users.delete(C, { in: '30d' });
    await users.delete({ userId }, IN_30_DAYS);
    expect(await statusOf(world)).toEqual(['Inactive']);
    expect(await users.cancelDeletion(C)).toBe('cancelled');
    await users.rescheduleDeletion({ userId }, { in: 1 });
    await expect.poll(() => world.events.filter(({ type }) => type === 'user.superseded').length).toBe(2);
    expect(await statusOf(world)).toEqual(['Active']);
    expect(await world.requests('delete')).toEqual([]);
  });

  it('has another clientId, and the old one another user, who is left alone', async () => {
    const { world, users, userId } = await createSuspensions();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    await world.run('update-user', { ...C, changes: { clientId: 'other' } });
    const another = await world.run('create-user', C);
    await (await users.suspend(C)).result();
    await expect.poll(() => world.events.some(({ type }) => type === 'user.superseded')).toBe(true);
    const statuses = (await world.users()).map((user) => [
      user.deviceToken,
      (user as { status?: string }).status,
    ]);
    expect(Object.fromEntries(statuses)).toEqual({ [userId]: 'Active', [another.subject ?? '']: 'Inactive' });
  });

  it('stays suspended if somebody had asked for that before, though it comes later', async () => {
    const { world, users } = await createSuspensions();
    const occurredAt = new Date(Date.now() - 1000).toISOString();
    await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    expect(
      await world.run('update-user', { ...C, occurredAt, changes: { status: 'deactivated' } }),
    ).toMatchObject({
      type: 'user.updated',
    });
    await users.cancelDeletion(C);
    expect(await statusOf(world)).toEqual(['Inactive']);
  });

  it('has a deletion that fails before it is due: its retry waits until then', async () => {
    const { world, users } = await createSuspensions();
    const { id, dueAt } = await users.delete(C, IN_30_DAYS);
    await statusOf(world);
    // As a worker does that knows no such instance.
    const job = await world.jobs.getJob(id);
    await job?.updateData({ ...(job.data as object), instance: 'mars' });
    await job?.promote();
    expect(await world.eventOf(id)).toMatchObject({ data: { code: 'unknown-instance' } });
    await expect.poll(() => world.jobs.getFailedCount()).toBe(1);
    await runCommand(['failed', 'retry', '--yes'], { ...world.env, DAMOOV_INSTANCES_FILE: '' });
    await expect.poll(() => world.jobs.getFailedCount()).toBe(1);
    expect(await world.requests('delete')).toEqual([]);
    expect(dueAt.getTime()).toBeGreaterThan(Date.now());
  });

  it('needs a time: nobody is suspended for a deletion at once', async () => {
    const { users } = await createSuspensions();
    await expect(users.delete(C, { suspends: true })).rejects.toThrow('suspends: needs in or at');
  });
});
