import { describe, expect, it } from 'vitest';
import { type ListOptions, readDeletion } from '../../../src/store/deletions/deletion-list.ts';
import { DAY_MS, createDeletionsWorld, inDays, userId } from './deletions-world.ts';

type World = Awaited<ReturnType<typeof createDeletionsWorld>>;

/** Puts data into a job that is no JSON. */
const spoil = ({ redis, prefix }: World, jobId = '') =>
  redis.hset(`${prefix}:user-jobs:${jobId}`, 'data', '{no JSON');

/** A delayed deletion that another BullMQ client has added. */
const addByOther = ({ jobs }: World, data: unknown, delay = DAY_MS) =>
  jobs.add('delete-user', data, { delay });

describe('a list', () => {
  it('has what is due at its first and at its last moment, whoever added it', async () => {
    const world = await createDeletionsWorld();
    const at = inDays(5);
    for (const n of [0, 1, 2, 3]) {
      await world.schedule({ clientId: `ours-${n}` }, at + n);
      const job = { clientId: `other-${n}` };
      await world.jobs.add('delete-user', job, { timestamp: at - DAY_MS, delay: DAY_MS + n });
    }
    const list = async (options: ListOptions) =>
      (await world.list(options)).map(({ clientId = '' }) => clientId).toSorted();
    expect(await list({ from: at + 1, until: at + 2 })).toEqual(['other-1', 'other-2', 'ours-1', 'ours-2']);
    expect(await list({ until: at })).toEqual(['other-0', 'ours-0']);
    expect(await list({ from: at + 3 })).toEqual(['other-3', 'ours-3']);
    expect(await list({})).toHaveLength(8);
  });

  it('is in the order of job ids where times are equal, and goes on behind each entry', async () => {
    const world = await createDeletionsWorld();
    const at = inDays(5);
    for (const n of [0, 1, 2]) {
      await world.schedule({ clientId: `ours-${n}` }, at);
      await world.jobs.add(
        'delete-user',
        { clientId: `other-${n}` },
        { timestamp: at - DAY_MS, delay: DAY_MS },
      );
    }
    const all = await world.list();
    const ids = all.map(({ jobId }) => jobId);
    expect(ids).toEqual(ids.toSorted());
    for (const [n, after] of all.entries()) expect(await world.list({ after })).toEqual(all.slice(n + 1));
  });

  it('of a user has what names it by either id, and nothing else', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' });
    await world.schedule({ userId });
    await addByOther(world, { clientId: 'c-1' });
    const count = async (of: NonNullable<ListOptions['of']>) => (await world.list({ of })).length;
    expect(await count({ clientId: 'c-1' })).toBe(2);
    expect(await count({ userId: userId.toUpperCase() })).toBe(1);
    expect(await count({ clientId: 'c-1', userId })).toBe(3);
    expect(await count({ clientId: 'c-2' })).toBe(0);
    expect(await count({ clientId: 'c-1', instance: 'eu' })).toBe(0);
    expect(await count({ clientId: 'c-1', instance: 'default' })).toBe(2);
  });

  it('counts those whose users it cannot read, whoever added them', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    for (const clientId of ['c-2', 'c-3']) await world.schedule({ clientId }, inDays(31));
    await spoil(world, jobId);
    await addByOther(world, 'no object');
    let unreadable = 0;
    const list = await world.list({ onUnreadable: (count) => (unreadable += count) });
    expect([
      list.map(({ clientId }) => clientId).toSorted((a = '', b = '') => a.localeCompare(b)),
      unreadable,
    ]).toEqual([['c-2', 'c-3'], 2]);
    expect(await world.list()).toHaveLength(2);
  });

  it('has one of ours that was retried as ours, and others as those of others', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    await world.redis.zrem(`${world.prefix}:deletions-pending`, jobId);
    await addByOther(world, { clientId: 'c-2' });
    const list = await world.list();
    expect(list.map(({ clientId, isByOthers }) => [clientId, isByOthers])).toEqual([
      ['c-2', true],
      ['c-1', undefined],
    ]);
  });

  it('has all pages of the deletions of others in the order of their due times', async () => {
    const world = await createDeletionsWorld();
    const timestamp = Date.now();
    const lastMs = DAY_MS + 400;
    const others = Array.from({ length: 600 }, (_, n) => ({
      name: 'delete-user',
      data: { clientId: `other-${n}` },
      opts: { timestamp, delay: Math.min(DAY_MS + n, lastMs) },
    }));
    await world.jobs.addBulk(others);
    await world.schedule({ clientId: 'ours' }, timestamp + lastMs + 1);
    const times = (await world.list()).map(({ dueAt }) => dueAt);
    expect(times).toHaveLength(601);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(await world.list({ until: timestamp + lastMs })).toHaveLength(600);
  });

  it('misses none where several that it has passed are cancelled meanwhile', async () => {
    const world = await createDeletionsWorld();
    const all = Array.from({ length: 520 }, (_, n) => `c-${n}`);
    await Promise.all(all.map((clientId) => world.schedule({ clientId }, inDays(1))));
    const listed: string[] = [];
    for await (const { clientId = '' } of world.deletions.list()) {
      if (listed.push(clientId) !== 10) continue;
      for (const passed of listed) await world.deletions.cancel({ clientId: passed });
    }
    expect(listed.toSorted()).toEqual(all.toSorted());
  });

  it('has a deletion of another client that tells no time last', async () => {
    const world = await createDeletionsWorld();
    const job = await addByOther(world, { clientId: 'timeless' });
    await world.redis.hset(`${world.prefix}:user-jobs:${job.id}`, 'timestamp', 'none');
    await world.schedule({ clientId: 'c-1' }, inDays(9));
    const list = await world.list();
    expect(list.map(({ clientId }) => clientId)).toEqual(['c-1', 'timeless']);
    expect(list[1]?.dueAt).toBeNaN();
    expect(await world.list({ until: inDays(99) })).toHaveLength(1);
  });
});

describe('a job', () => {
  it('is read as the deletion that it is, if it is one', async () => {
    const world = await createDeletionsWorld();
    const timestamp = 1_700_000_000_000;
    const read = (name: string, data: unknown, delay: number) =>
      world.jobs
        .add(name, data, { timestamp, delay })
        .then(async ({ id = '' }) => readDeletion(world.jobs, id));
    expect(
      await read('delete-user', { clientId: 'c', userId: userId.toUpperCase(), instance: 'eu' }, 5),
    ).toEqual({
      jobId: '1',
      instance: 'eu',
      clientId: 'c',
      userId,
      dueAt: timestamp + 5,
      requestedAt: timestamp,
    });
    expect(await read('delete-user', { clientId: '', instance: 7 }, 5)).toEqual({
      jobId: '2',
      instance: 'default',
      dueAt: timestamp + 5,
      requestedAt: timestamp,
    });
    expect(await read('update-user', { clientId: 'c' }, 5)).toBeUndefined();
    expect(await read('delete-user', { clientId: 'c' }, 0)).toMatchObject({ dueAt: timestamp });
    expect(await read('delete-user', 'no object', 5)).toBe('unreadable');
    expect(await readDeletion(world.jobs, 'gone')).toBeUndefined();
    expect(await readDeletion(world.jobs, '1', 7)).toMatchObject({ dueAt: 7 });
    await spoil(world, '1');
    expect(await readDeletion(world.jobs, '1')).toBe('unreadable');
  });
});
