import { describe, expect, it } from 'vitest';
import { createUserStateWorld, instance, live, userId } from './user-state-world.ts';

describe('the clientId that a user is to get', () => {
  it('is not locked by a run that has lost its user', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    const user = await world.take(dead);
    await world.loseLock(dead);
    await world.take(await world.start());
    expect(await user.lockClientId('c-2', instance)).toEqual({ is: 'lost' });
  });

  it('is blocked while another job has it', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start(), { clientId: 'c-2' });
    const user = await world.take(await world.start());
    expect(await user.lockClientId('c-2', instance)).toEqual({ is: 'blocked' });
  });

  it('may be its own by now', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const known = await world.take(first);
    await known.settle(world.settlementOf(first), live(known));
    const job = await world.start();
    const user = await world.take(job, { userId });
    expect(await user.lockClientId('c-1', instance)).toMatchObject({ is: 'locked', record: { userId } });
    expect(await user.settle(world.settlementOf(job), live(user))).toBe('ok');
    const { record } = await world.take(await world.start());
    expect(record.givenSince).toBeUndefined();
  });

  it.each(['c-1', 'c-2'])(
    'is the user’s once that is settled, and locked until the event is published: %s',
    async (to) => {
      const world = await createUserStateWorld();
      const job = await world.start();
      const user = await world.take(job);
      expect((await user.lockClientId(to, instance)).is).toBe('locked');
      await user.onlySettle(world.settlementOf(job), { ...live(user), renamedTo: to });
      expect(await world.begin(await world.start(), { clientId: to })).toEqual({ is: 'blocked' });
    },
  );

  it('is known to be open until a run has ended that knows, and Redis forgets it at last', async () => {
    const world = await createUserStateWorld();
    const takeBoth = async () => {
      const job = await world.start();
      const user = await world.take(job);
      const name = await user.lockClientId('c-2', instance);
      if (name.is !== 'locked') throw new Error(name.is);
      return { job, user, since: name.record.givenSince };
    };
    const dead = await takeBoth();
    expect(await world.shortestTtl('user:*')).toBeGreaterThan(0);
    await world.loseLock(dead.job);
    const next = await takeBoth();
    await next.user.unlock({ record: next.user.record });
    const own = await world.start();
    const left = await world.take(own, { clientId: 'c-2' });
    expect(left.record.givenSince).toBeTypeOf('number');
    await left.unlock({ record: left.record });
    const last = await takeBoth();
    await last.user.settle(world.settlementOf(last.job), { ...live(last.user), renamedTo: null });
    expect((await world.take(await world.start(), { clientId: 'c-2' })).record.givenSince).toBeUndefined();
  });

  it('is free of that where the only run that locked it has given it to no user', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start());
    await user.lockClientId('c-2', instance);
    await user.unlock({ record: user.record });
    expect((await world.take(await world.start(), { clientId: 'c-2' })).record.givenSince).toBeUndefined();
  });
});
