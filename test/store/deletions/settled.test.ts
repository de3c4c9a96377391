import { describe, expect, it } from 'vitest';
import { createDeletionsWorld, inDays } from './deletions-world.ts';

const C = { clientId: 'c' };

describe('the end of a deletion', () => {
  it('is that of its suspension, too, each time that one is asked for; but not if it failed', async () => {
    const world = await createDeletionsWorld();
    const key = await world.keyOf(C);
    const ends = [];
    for (const end of ['supersede', 'complete', 'fail'] as const) {
      await world.deletions.schedule(C, inDays(1), { suspends: true });
      expect(await world.redis.hexists(key, 'suspension')).toBe(1);
      await world[end](await world.fetch());
      ends.push(await world.redis.hexists(key, 'suspension'));
    }
    expect(ends).toEqual([0, 0, 1]);
  });
});

describe('a sign-up', () => {
  it('of which no id is known voids nothing', async () => {
    const world = await createDeletionsWorld();
    await world.schedule(C);
    expect(await world.returnedAt(undefined, inDays(1))).toBe('ok');
  });

  it('voids a deletion for as long as that is pending, also one under the name of a later one', async () => {
    const world = await createDeletionsWorld();
    await world.schedule(C, inDays(1));
    await world.complete(await dueOf(world));
    await world.schedule(C, inDays(400));
    await world.returned('c', 2);
    expect(Math.min(...(await world.lifetimes()))).toBeGreaterThan(399 * 86_400);
    expect(await world.authorize(await dueOf(world))).toBe('returned');
  });

  it('has the job of a deletion that suspends its user run, which resumes it', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule(C);
    expect(await world.returned('c', 1)).toBe('ok');
    await world.deletions.schedule(C, inDays(1), { suspends: true });
    expect(await world.returned('c', 2)).toEqual([jobId]);
  });

  it('has the latest of two times, whichever is settled first', async () => {
    const world = await createDeletionsWorld();
    const { requestedAt } = await world.schedule(C);
    await world.returnedAt('c', requestedAt + 1);
    await world.returnedAt('c', requestedAt - 1);
    expect(await world.authorize(await dueOf(world))).toBe('returned');
  });
});

describe('a user that is renamed', () => {
  const NEW = { clientId: 'new' };
  const names = { ...C, also: NEW };

  it('has its cancelled deletions cancelled under each name, for as long', async () => {
    const world = await createDeletionsWorld();
    await world.deletions.cancel(C);
    expect(await world.renamed(names)).toBe('ok');
    const earlier = await world.jobs.add('delete-user', NEW, { timestamp: 1000 });
    expect(await world.check(earlier)).toMatchObject({ is: 'cancelled' });
    expect(Math.min(...(await world.lifetimes()))).toBeGreaterThan(9 * 365 * 86_400);
  });

  it('has the later of the cancellations under two names', async () => {
    const world = await createDeletionsWorld();
    const keys = [await world.keyOf(C), await world.keyOf(NEW)];
    for (const voidBefore of [
      [2000, 1000],
      [1000, 2000],
    ]) {
      for (const [at, key] of keys.entries()) {
        await world.redis.hset(key, 'voidBefore', voidBefore[at] ?? 0);
        await world.redis.expire(key, 100);
      }
      await world.renamed(names);
      for (const key of keys) expect(await world.redis.hget(key, 'voidBefore')).toBe('2000');
    }
  });

  it('of which nothing was cancelled has nothing on record', async () => {
    const world = await createDeletionsWorld();
    await world.renamed(names);
    expect(await world.lifetimes()).toEqual([]);
  });
});

/** The pending deletion, which is due by now. */
async function dueOf(world: Awaited<ReturnType<typeof createDeletionsWorld>>) {
  for (const job of await world.jobs.getDelayed()) await job.promote();
  return world.fetch();
}
