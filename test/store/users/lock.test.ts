import { describe, expect, it } from 'vitest';
import { waiting } from '../circuits/circuits-world.ts';
import { createUserStateWorld, instance, live } from './user-state-world.ts';

describe('the line of a user', () => {
  it('is without a job that was promoted, before that begins', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start());
    const job = await world.start();
    await world.begin(job);
    await user.unlock({ record: user.record });
    expect(await waiting(world)).toEqual([job.id]);
    const story = await world.story();
    expect(story?.open.filter(({ is }) => is === 'blocked')).toEqual([]);
  });

  it('whose only job was removed keeps the user from no other', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start());
    const gone = await world.start();
    await world.begin(gone);
    await world.jobs.remove(gone.id ?? '');
    await user.unlock({ record: user.record });
    expect((await world.begin(await world.start())).is).toBe('locked');
  });

  it('is promoted as a whole when the user gets another clientId, and is no more', async () => {
    const world = await createUserStateWorld();
    const renaming = await world.start();
    const user = await world.take(renaming, { clientId: 'old' });
    const blocked = [await world.start(), await world.start()];
    for (const job of blocked) await world.begin(job, { clientId: 'old' });
    await user.settle(world.settlementOf(renaming), { ...live(user), renamedTo: 'new' });
    expect(await waiting(world)).toEqual(blocked.map(({ id }) => id));
    expect(await world.redis.keys(`${world.prefix}:user:*:blocked`)).toEqual([]);
  });

  it('of a clientId that a user was to get is promoted as a whole', async () => {
    const world = await createUserStateWorld();
    const renaming = await world.start();
    const user = await world.take(renaming);
    expect((await user.lockClientId('c-2', instance)).is).toBe('locked');
    const blocked = [await world.start('create-user'), await world.start('create-user')];
    for (const job of blocked) await world.begin(job, { clientId: 'c-2' });
    await user.settle(world.settlementOf(renaming), live(user));
    expect(await waiting(world)).toEqual(blocked.map(({ id }) => id));
  });
});
