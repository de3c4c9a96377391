import { describe, expect, it } from 'vitest';
import { createDeletionLimit } from '../../../src/store/circuits/deletion-limit.ts';
import type { DeletionRequest } from '../../../src/store/deletions/deletions.ts';
import { decisionKeyOf } from '../../../src/store/deletions/deletion-names.ts';
import { createDeletionsWorld, inDays, userId } from '../deletions/deletions-world.ts';

it('the deletions that the limit holds are found by the ids of their user, in its instance', async () => {
  const world = await createDeletionsWorld();
  const limit = createDeletionLimit(world);
  const held: string[] = [];
  const hold = async (request: DeletionRequest) => {
    const { jobId } = await world.schedule(request, Date.now());
    held.push(jobId);
    await world.redis.zadd(`${world.prefix}:circuit:deletion-limit:held`, held.length, jobId);
    return jobId;
  };
  const byClient = await hold({ clientId: 'c-1' });
  const byUser = await hold({ userId });
  const elsewhere = await hold({ clientId: 'c-1', instance: 'eu' });
  const { jobId: notHeld } = await world.schedule({ clientId: 'c-2' }, Date.now());
  expect(await limit.find()).toEqual(held);
  expect(await limit.find({ clientId: 'c-1' })).toEqual([byClient]);
  expect(await limit.find({ userId: userId.toUpperCase() })).toEqual([byUser]);
  expect(await limit.find({ clientId: 'c-1', instance: 'eu' })).toEqual([elsewhere]);
  expect(await limit.find({ clientId: 'c-2' })).toEqual([]);
  expect([await limit.holds(byUser), await limit.holds(notHeld)]).toEqual([true, false]);
});

describe('the decision over deletions that the limit holds', () => {
  /** As many deletions as that, which the limit holds. */
  async function holdSome(count: number) {
    const world = await createDeletionsWorld();
    const { redis, prefix } = world;
    const held = `${prefix}:circuit:deletion-limit:held`;
    const circuit = `${prefix}:circuit:deletion-limit:all`;
    const jobIds: string[] = [];
    for (let n = 0; n < count; n += 1) {
      jobIds.push((await world.schedule({ clientId: `c-${n}` }, inDays(1))).jobId);
      await redis.zadd(held, n, jobIds[n] ?? '');
    }
    await redis.hset(circuit, 'since', 1000);
    return {
      ...world,
      limit: createDeletionLimit(world),
      jobIds,
      decisionOf: (jobId = '') => redis.get(decisionKeyOf(prefix, jobId)),
      forget: () => redis.del(held),
      held: () => redis.zrange(held, 0, '-1'),
      isOpen: async () => (await redis.exists(circuit)) === 1,
    };
  }

  it.each(['release', 'refuse'] as const)(
    'is kept, has their jobs run, and they are held no more: %s',
    async (is) => {
      const world = await holdSome(3);
      const [first = '', second = '', third = ''] = world.jobIds;
      expect(await world.limit.decide(is, [first, second])).toBe(2);
      const decisions = await Promise.all(world.jobIds.map((jobId) => world.decisionOf(jobId)));
      expect(decisions).toEqual([is, is, null]);
      expect(await world.redis.ttl(decisionKeyOf(world.prefix, first))).toBeGreaterThan(30 * 86_400);
      const waiting = (await world.jobs.getWaiting()).map(({ id }) => id);
      expect(new Set(waiting)).toEqual(new Set([first, second]));
      expect(await world.held()).toEqual([third]);
      expect(await world.isOpen()).toBe(true);
      await world.limit.decide(is, [third]);
      expect(await world.isOpen()).toBe(false);
    },
  );

  it('is none over a deletion that is not held', async () => {
    const world = await holdSome(1);
    const { jobId } = await world.schedule({ clientId: 'another' }, inDays(1));
    expect(await world.limit.decide('release', [jobId])).toBe(0);
    expect(await world.decisionOf(jobId)).toBeNull();
    expect(await world.held()).toEqual(world.jobIds);
  });

  it('over none closes a circuit that holds none any more', async () => {
    const world = await holdSome(1);
    expect(await world.limit.decide('release', [])).toBe(0);
    expect(await world.isOpen()).toBe(true);
    await world.forget();
    await world.limit.decide('release', []);
    expect(await world.isOpen()).toBe(false);
  });

  it('counts those whose jobs run, of any number, and a job that is gone is no user’s', async () => {
    const world = await holdSome(201);
    await world.jobs.remove(world.jobIds[0] ?? '');
    expect(await world.limit.find()).toEqual(world.jobIds);
    expect(await world.limit.find({ clientId: 'c-0' })).toEqual([]);
    expect(await world.limit.find({ clientId: 'c-200' })).toEqual([world.jobIds[200]]);
    expect(await world.limit.decide('refuse', world.jobIds)).toBe(200);
    expect(await world.isOpen()).toBe(false);
  });
});
