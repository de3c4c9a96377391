import { describe, expect, it } from 'vitest';
import type { ListOptions } from '../../../src/store/deletions/deletion-list.ts';
import { DAY_MS, createDeletionsWorld, inDays, userId } from './deletions-world.ts';

describe('the list', () => {
  it('is in the order of due dates, whoever added them, and tells nothing but who and when', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'late', reason: 'a secret' }, inDays(3));
    await world.jobs.add('update-user', { clientId: 'c-1', changes: {} }, { delay: DAY_MS });
    await world.jobs.add('delete-user', { userId: userId.toUpperCase() }, { delay: DAY_MS });
    await world.jobs.add('delete-user', 'no object', { delay: DAY_MS });
    await world.schedule({ clientId: 'soon', instance: 'eu' }, inDays(2));
    const list = await world.list();
    expect(list).toMatchObject([
      { jobId: expect.any(String), instance: 'default', userId, isByOthers: true },
      { instance: 'eu', clientId: 'soon' },
      { instance: 'default', clientId: 'late' },
    ]);
    expect(list.flatMap((entry) => Object.keys(entry)).filter((key) => key === 'reason')).toEqual([]);
  });

  it('is cut by time, by user and behind an entry', async () => {
    const world = await createDeletionsWorld();
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

  it('finds no deletion whose job is gone', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    await world.jobs.remove(jobId);
    expect(await world.deletions.find({ clientId: 'c-1' })).toBeUndefined();
  });

  it('finds a deletion whose job cannot be read', async () => {
    const world = await createDeletionsWorld();
    const { jobId, dueAt } = await world.schedule({ clientId: 'c-1' });
    await world.redis.hset(world.jobs.toKey(jobId), 'data', 'no JSON');
    expect(await world.deletions.find({ clientId: 'c-1' })).toMatchObject({ clientId: 'c-1', jobId, dueAt });
  });

  it('is cut by the instance of a user where one is named', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, inDays(1));
    await world.schedule({ clientId: 'c-1', instance: 'eu' }, inDays(2));
    const instances = async (of: { clientId: string; instance?: string }) =>
      (await world.list({ of })).map(({ instance }) => instance);
    expect(await instances({ clientId: 'c-1', instance: 'eu' })).toEqual(['eu']);
    expect(await instances({ clientId: 'c-1' })).toEqual(['default', 'eu']);
  });

  it('goes on behind an entry that was moved since, and moves nothing itself', async () => {
    const world = await createDeletionsWorld();
    for (const n of [1, 2, 3]) await world.schedule({ clientId: `c-${n}` }, inDays(n));
    const [first, second] = await world.list();
    const ids = async (options?: ListOptions) => (await world.list(options)).map(({ clientId }) => clientId);
    await world.deletions.reschedule({ clientId: 'c-1' }, inDays(9));
    expect(await ids({ after: first })).toEqual(['c-2', 'c-3', 'c-1']);
    await world.deletions.reschedule({ clientId: 'c-2' }, inDays(0.5));
    expect(await ids({ after: second })).toEqual(['c-3', 'c-1']);
    expect(await ids()).toEqual(['c-2', 'c-3', 'c-1']);
  });

  it('tells thousands that are due in the same millisecond once each, while others come and go', async () => {
    const world = await createDeletionsWorld();
    const dueAt = inDays(30);
    const count = 2000;
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
          await world.deletions.cancel({ clientId: victim });
        }
        await world.schedule({ clientId: `early-${seen.length}` }, inDays(1));
      }
    }
    expect(new Set(seen).size).toBe(seen.length);
    const missed = all.filter((id) => !seen.includes(id) && !gone.has(id));
    expect(missed).toEqual([]);
  });
});
