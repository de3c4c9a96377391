import { describe, expect, it, onTestFinished } from 'vitest';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { type World, createWorld } from '../support/world.ts';

/** A user, and a producer. */
async function createSuspensions() {
  const world = await createWorld();
  const users = new UserJobs({ redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix });
  onTestFinished(() => users.close());
  const { subject = '' } = await world.run('create-user', { clientId: 'c' });
  return { world, users, userId: subject };
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
    expect(world.events.at(-1)).toMatchObject({ type: 'user.superseded', data: { by: 'suspension' } });
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
    expect(await statusOf(world)).toEqual(['Active']);
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
    await expect.poll(() => world.events.at(-1)).toMatchObject({ data: { changed: ['status'] } });
    await users.cancelDeletion(C);
    expect(await statusOf(world)).toEqual(['Active']);
  });

  it('needs a time: nobody is suspended for a deletion at once', async () => {
    const { users } = await createSuspensions();
    await expect(users.delete(C, { suspends: true })).rejects.toThrow('suspends: needs in or at');
  });
});
