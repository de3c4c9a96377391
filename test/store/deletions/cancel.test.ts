import { describe, expect, it } from 'vitest';
import { LAST_DUE_MS } from '../../../src/store/deletions/deletions.ts';
import { createDeletionsWorld, inDays, userId } from './deletions-world.ts';

describe('cancelling', () => {
  it('of what is pending has it end at once, and never sent; asked again it is answered the same', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    const cancel = () => world.deletions.cancel({ clientId: 'c-1' });
    expect(await cancel()).toBe('cancelled');
    expect(await world.list()).toEqual([]);
    const job = await world.fetch();
    expect(job.id).toBe(jobId);
    expect(await world.check(job)).toMatchObject({ is: 'cancelled' });
    expect(await world.authorize(job)).toBe('cancelled');
    expect(await cancel()).toBe('cancelled');
    await world.supersede(job);
    expect(await cancel()).toBe('cancelled');
    await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.supersede(await world.fetch());
    expect(await cancel()).toBe('none');
  });

  it('whose process ends too early holds all the same, and the next one ends the job', async () => {
    const world = await createDeletionsWorld();
    const { jobId } = await world.schedule({ clientId: 'c-1' });
    await world.deletions.cancel({ clientId: 'c-1' });
    const job = await world.fetch();
    await job.moveToDelayed(inDays(30), job.token);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect((await world.fetch()).id).toBe(jobId);
  });

  it('is a matter of order, also where the clock of a producer is ahead or behind', async () => {
    const world = await createDeletionsWorld();
    for (const requestedAt of [inDays(1), inDays(-1)]) {
      const ask = () => world.deletions.schedule({ clientId: 'c-1' }, inDays(2), { requestedAt });
      await ask();
      expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
      const cancelled = await world.fetch();
      expect(await world.authorize(cancelled)).toBe('cancelled');
      await world.supersede(cancelled);
      await ask();
      await (await world.jobs.getDelayed())[0]?.promote();
      const wanted = await world.fetch();
      expect(await world.check(wanted)).toMatchObject({ is: 'open' });
      expect(await world.authorize(wanted)).toBe('go');
      await world.complete(wanted);
    }
  });

  it('holds for a deletion that is asked for as of a time before it', async () => {
    const world = await createDeletionsWorld();
    const asOf = Date.now() - 1;
    await world.deletions.cancel({ clientId: 'c-1' });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.supersede(await world.fetch());
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now(), { asOf });
    expect(await world.authorize(await world.fetch())).toBe('cancelled');
  });

  it('holds for a job whose producer’s clock is ahead, also once a later one was sent', async () => {
    const world = await createDeletionsWorld();
    const requestedAt = inDays(1);
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now(), { requestedAt });
    const cancelled = await world.fetch();
    await world.deletions.cancel({ clientId: 'c-1' });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    expect(await world.authorize(await world.fetch())).toBe('go');
    expect(await world.authorize(cancelled)).toBe('cancelled');
  });

  it('does not concern a pending one that is asked for again, though the clock of the producer is behind', async () => {
    const world = await createDeletionsWorld();
    const ask = (request: object) =>
      world.deletions.schedule(request, Date.now(), { requestedAt: inDays(-1) });
    await ask({ clientId: 'c-1' });
    const job = await world.fetch();
    await world.deletions.cancel({ userId });
    expect(await ask({ clientId: 'c-1', userId })).toMatchObject({ is: 'exists' });
    expect(await world.authorize(job, { clientId: 'c-1', userId })).toBe('go');
  });

  it('tells of the last deletion, not of those before it', async () => {
    const world = await createDeletionsWorld();
    const cancel = () => world.deletions.cancel({ clientId: 'c-1' });
    const start = async () => {
      await world.schedule({ clientId: 'c-1' }, Date.now());
      return world.fetch();
    };
    const cancelled = await start();
    expect(await cancel()).toBe('cancelled');
    await world.supersede(cancelled);
    const first = await start();
    await world.authorize(first);
    expect(await cancel()).toBe('too-late');
    await world.complete(first);
    expect(await cancel()).toBe('done');
    const second = await start();
    await world.authorize(second);
    expect(await cancel()).toBe('too-late');
  });

  it('is undone by nothing but a later request: a sign-up of the same moment leaves a deletion as it is', async () => {
    const world = await createDeletionsWorld();
    const at = Date.now();
    await world.deletions.schedule({ clientId: 'c-1' }, at, { requestedAt: at });
    await world.returnedAt('c-1', at);
    expect(await world.authorize(await world.fetch())).toBe('go');
  });

  it('is known for as long as any job can be deferred', async () => {
    const world = await createDeletionsWorld();
    await world.deletions.cancel({ clientId: 'c-1', userId });
    for (const ids of [{ clientId: 'c-1' }, { userId }]) {
      const leftS = await world.redis.ttl(await world.keyOf(ids));
      expect(Date.now() + leftS * 1000).toBeGreaterThan(LAST_DUE_MS - 5000);
    }
    await world.schedule({ clientId: 'c-1' });
    expect(await world.redis.ttl(await world.keyOf({ clientId: 'c-1' }))).toBeGreaterThan(10 * 365 * 86_400);
  });

  it('of nothing is none', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-2' });
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    expect(await world.list()).toHaveLength(1);
  });

  it('after the last moment is too late, and done when that is over, under each name', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    const both = { clientId: 'c-1', userId };
    expect(await world.authorize(job, both)).toBe('go');
    const answers = () =>
      Promise.all([{ clientId: 'c-1' }, { userId }].map((of) => world.deletions.cancel(of)));
    expect(await answers()).toEqual(['too-late', 'too-late']);
    expect(await world.check(job)).toMatchObject({ is: 'released' });
    expect(await world.authorize(job, both)).toBe('go');
    await world.complete(job, both);
    expect(await answers()).toEqual(['done', 'done']);
    await job.remove();
    expect(await answers()).toEqual(['done', 'done']);
  });

  it('under what the user was found to be called holds as under what the job names', async () => {
    const world = await createDeletionsWorld();
    const found = { clientId: 'c-1', also: { clientId: 'c-2', userId } };
    for (const cancelled of [{ clientId: 'c-1' }, { clientId: 'c-2' }]) {
      await world.jobs.add('delete-user', { clientId: 'c-1' });
      const job = await world.fetch();
      await world.deletions.cancel(cancelled);
      expect(await world.authorize(job, found)).toBe('cancelled');
    }
    await world.jobs.add('delete-user', { clientId: 'c-1' }, { timestamp: Date.now() + 1 });
    const job = await world.fetch();
    expect(await world.authorize(job, found)).toBe('go');
    expect(await world.deletions.cancel({ clientId: 'c-2' })).toBe('too-late');
    await world.complete(job, found);
    expect(await world.deletions.cancel({ clientId: 'c-2' })).toBe('done');
  });

  it('of one that failed after it was sent is too late: nobody knows what it did', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.authorize(job, { clientId: 'c-1' });
    await world.fail(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
  });

  it('of one that failed unsent is none, and holds where it is put back by hand', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.fail(job);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');
    await job.retry('failed');
    expect(await world.authorize(await world.fetch(), { clientId: 'c-1' })).toBe('cancelled');
  });

  it('of one that failed after it was sent holds where it is put back by hand', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.authorize(job);
    await world.fail(job);
    await world.deletions.cancel({ clientId: 'c-1' });
    await job.retry('failed');
    expect(await world.check(await world.fetch())).toMatchObject({ is: 'cancelled' });
  });

  it.each([{ clientId: 'c-1' }, { userId }, { clientId: 'c-1', userId }])(
    'by %j finds a deletion that named both ids',
    async (address) => {
      const world = await createDeletionsWorld();
      await world.schedule({ clientId: 'c-1', userId });
      expect(await world.deletions.cancel(address)).toBe('cancelled');
      expect(await world.authorize(await world.fetch(), { clientId: 'c-1', userId })).toBe('cancelled');
    },
  );

  it('under one id holds for a deletion under the other, where it was asked for before', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    await world.schedule({ userId });
    const job = await world.fetch();
    expect(await world.deletions.cancel({ userId })).toBe('cancelled');
    expect(await world.authorize(job, { clientId: 'c-1', userId })).toBe('cancelled');
  });

  it('under one id does not concern a deletion under the other that is asked for later', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ userId });
    await world.deletions.cancel({ userId });
    await world.supersede(await world.fetch());
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now(), { requestedAt: Date.now() + 1 });
    expect(await world.authorize(await world.fetch(), { clientId: 'c-1', userId })).toBe('go');
  });

  it('holds for a run that has lost its job, which sends nothing', async () => {
    const world = await createDeletionsWorld();
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    expect(await world.commitLate(job)).toBe('lost');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  });
});
