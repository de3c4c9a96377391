import { FlowProducer } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { LAST_DUE_MS } from '../../../src/store/deletions/deletions.ts';
import { DAY_MS, createDeletionsWorld, inDays, userId } from './deletions-world.ts';

type World = Awaited<ReturnType<typeof createDeletionsWorld>>;

describe('deletions that other BullMQ clients have added', () => {
  it.each<[string, (world: World) => Promise<unknown>]>([
    ['under a counted id', ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1' })],
    [
      'under an id that begins like ours',
      ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1' }, { jobId: `del-${userId}` }),
    ],
    [
      'under an id of the length of ours',
      ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1' }, { jobId: 'del-0123456789abcdef' }),
    ],
    [
      'with half an emoji in its reason',
      ({ jobs }) => jobs.add('delete-user', { clientId: 'c-1', reason: 'gone \ud83d' }),
    ],
    [
      'as the parent of a flow',
      ({ redis, prefix, jobs }) =>
        new FlowProducer({ connection: redis, prefix }).add({
          name: 'delete-user',
          queueName: jobs.name,
          data: { clientId: 'c-1' },
          children: [{ name: 'a child', queueName: 'others' }],
        }),
    ],
    [
      'by a job scheduler',
      ({ jobs }) =>
        jobs.upsertJobScheduler('s-1', { every: DAY_MS }, { name: 'delete-user', data: { clientId: 'c-1' } }),
    ],
    [
      'far ahead',
      ({ jobs }) =>
        jobs.add('delete-user', { clientId: 'c-1' }, { delay: LAST_DUE_MS - Date.now() - DAY_MS }),
    ],
  ])('%s are void though nobody knew of them', async (_title, add) => {
    const world = await createDeletionsWorld();
    await add(world);
    const [job] = await world.jobs.getJobs(['waiting', 'delayed', 'waiting-children']);
    if (job === undefined) throw new Error('there is no job');
    expect(await world.list()).toMatchObject(
      job.name === 'delete-user' && job.delay > 0 ? [{ jobId: job.id }] : [],
    );
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    expect(await world.check(job)).toMatchObject({ is: 'cancelled' });
    expect(await world.authorize(job)).toBe('cancelled');
    expect(await world.list()).toEqual([]);
  });

  it('are void with all that their job scheduler goes on to add', async () => {
    const world = await createDeletionsWorld();
    const start = async () => {
      await world.jobs.promoteJobs();
      return world.fetch();
    };
    const template = { name: 'delete-user', data: { clientId: 'c-1', userId } };
    await world.jobs.upsertJobScheduler('s-1', { every: DAY_MS }, template);
    await world.deletions.cancel({ clientId: 'c-1' });
    const job = await start();
    expect(await world.check(job)).toMatchObject({ is: 'cancelled' });
    expect(Math.min(...(await world.lifetimes()))).toBeGreaterThan(0);
    await world.supersede(job);
    const next = { id: 'next', timestamp: inDays(1), repeatJobKey: job.repeatJobKey, data: template.data };
    const later = Object.assign(job, next);
    expect(await world.check(later)).toMatchObject({ is: 'cancelled' });
    expect(await world.authorize(later)).toBe('cancelled');
    expect(await world.check(Object.assign(job, { repeatJobKey: 'another' }))).toMatchObject({ is: 'open' });
  });

  it('are cancelled, and brought forward, once a worker has begun them and put them aside', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    expect(await world.check(job)).toMatchObject({ is: 'open' });
    await job.moveToDelayed(inDays(1), job.token);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    const again = await world.fetch();
    expect(await world.check(again)).toMatchObject({ is: 'cancelled' });
    await world.supersede(again);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });

  it('are cancelled once they have begun, though the clock of their client is ahead', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' }, { timestamp: Date.now() + 60_000 });
    const job = await world.fetch();
    await world.check(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.authorize(job)).toBe('cancelled');
  });

  it('are no longer known once they have ended unsent', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    await world.check(job);
    await world.supersede(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
  });

  it('after the cancellation are not concerned, nor are those of other users', async () => {
    const world = await createDeletionsWorld();
    await world.deletions.cancel({ clientId: 'c-1' });
    const later = { timestamp: Date.now() + 1 };
    for (const data of [{ clientId: 'c-1' }, { clientId: 'c-2' }, { userId }]) {
      await world.jobs.add('delete-user', data, later);
      expect(await world.authorize(await world.fetch())).toBe('go');
    }
  });

  it('are in the list, if they were added after the cancellation', async () => {
    const world = await createDeletionsWorld();
    await world.deletions.cancel({ clientId: 'c-1' });
    const later = { timestamp: Date.now() + 1, delay: DAY_MS };
    await world.jobs.add('delete-user', { clientId: 'c-1' }, later);
    expect(await world.list()).toHaveLength(1);
  });

  it('are done once they were sent, and a new one is void', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    await world.authorize(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
    await world.complete(job);
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('done');
    expect(await world.authorize(await world.fetch())).toBe('cancelled');
  });
});
