import { describe, expect, it } from 'vitest';
import { UPDATED, createUserStateWorld, live } from './user-state-world.ts';

describe('a user who is busy', () => {
  it('puts a job aside with no attempt spent', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start());
    const job = await world.start();
    expect(await world.begin(job)).toEqual({ is: 'blocked' });
    expect(await job.getState()).toBe('delayed');
    expect(await world.jobs.getJob(job.id ?? '')).toMatchObject({ attemptsMade: 0 });
  });

  it('is kept by a job that comes again, and by no other', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    await world.take(job);
    expect((await world.begin(job)).is).toBe('locked');
  });

  it.each(['settled', 'let go'] as const)(
    'wakes the oldest job by version when it is %s, and is kept for it',
    async (how) => {
      const world = await createUserStateWorld();
      const first = await world.start();
      const user = await world.take(first);
      for (const timestamp of [3000, 1000, 2000]) {
        await world.begin(await world.start('update-user', { timestamp }));
      }
      if (how === 'settled') await user.settle(world.settlementOf(first), live(user));
      else await user.unlock({ record: user.record });
      const woken = await world.fetch();
      expect(woken.timestamp).toBe(1000);
      // A job that arrives in between waits, although no run works on the user.
      expect(await world.begin(await world.start())).toEqual({ is: 'blocked' });
      expect((await world.begin(woken)).is).toBe('locked');
    },
  );

  it('wakes jobs of the same moment in the order in which they were added', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    let user = await world.take(first);
    const waiting = [];
    for (let n = 0; n < 12; n += 1) waiting.push(await world.start('update-user', { timestamp: 1000 }));
    for (const job of waiting.toReversed()) await world.begin(job);
    const woken = [];
    while (woken.length < waiting.length) {
      await user.unlock({ record: user.record });
      const job = await world.fetch();
      woken.push(job.id);
      user = await world.take(job);
    }
    expect(woken).toEqual(waiting.map(({ id }) => id));
  });

  it('passes over a waiting job that was removed', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start());
    const gone = await world.start('update-user', { timestamp: 1000 });
    await world.begin(gone);
    await world.begin(await world.start('update-user', { timestamp: 2000 }));
    await world.jobs.remove(gone.id ?? '');
    await user.unlock({ record: user.record });
    expect((await world.fetch()).timestamp).toBe(2000);
  });

  it('is taken over once the lock of its job is gone, and what the old run says then counts for nothing', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start('create-user');
    const stale = await world.take(dead);
    await world.loseLock(dead);
    const next = await world.start();
    const user = await world.take(next);
    expect(await stale.settle(world.settlementOf(dead), live(stale))).toBe('lost');
    expect(await stale.unlock({ record: stale.record })).toBe('lost');
    expect(await world.eventIds()).toEqual([[]]);
    expect(await user.settle(world.settlementOf(next), live(user))).toBe('ok');
  });

  it('is not woken in the place of a job that was removed, by another that bears its id now', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const user = await world.take(first);
    const parked = await world.start('delete-user', { jobId: 'close-1' });
    expect(await world.begin(parked)).toEqual({ is: 'blocked' });
    await world.jobs.remove('close-1');
    await world.add('delete-user', { jobId: 'close-1', delay: 86_400_000 });
    await user.settle(world.settlementOf(first, UPDATED), { record: user.record });
    expect(await (await world.jobs.getJob('close-1'))?.getState()).toBe('delayed');
  });
});
