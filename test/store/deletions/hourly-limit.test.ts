import { describe, expect, it } from 'vitest';
import { createDeletionsWorld, userId } from './deletions-world.ts';

describe('the limit of deletions in an hour', () => {
  it('holds what is too many, counts each job once, and lets pass what was released', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 1 });
    const [first, second, third] = await Promise.all(
      ['c-1', 'c-2', 'c-3'].map(async (clientId) => {
        await world.schedule({ clientId }, Date.now());
        return world.fetch();
      }),
    );
    if (first === undefined || second === undefined || third === undefined) throw new Error('no job');
    expect(await world.authorize(first)).toBe('go');
    expect(await world.authorize(first)).toBe('go');
    expect(await world.authorize(second)).toBe('held');
    expect(await world.authorize(second, second.data as object, 'sends nothing')).toBe('go');
    await world.decide(third, 'release');
    expect(await world.check(third)).toMatchObject({ is: 'released' });
    expect(await world.authorize(third)).toBe('go');
  });

  it('meets a deletion anew that has failed, and what was decided over it is forgotten', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 1 });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.decide(job, 'release');
    await world.authorize(job);
    await world.fail(job);
    await world.schedule({ clientId: 'c-2' }, Date.now());
    expect(await world.authorize(await world.fetch())).toBe('go');
    await job.retry('failed');
    const again = await world.fetch();
    expect(await world.check(again)).toMatchObject({ is: 'open' });
    expect(await world.authorize(again)).toBe('held');
  });

  it('counts one that is put back only once, and knows it by every name', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 2 });
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.authorize(job);
    await world.fail(job);
    await job.retry('failed');
    const again = await world.fetch();
    expect(await world.authorize(again)).toBe('go');
    expect(await world.check(again)).toMatchObject({ is: 'released' });
    expect(await world.authorize(again, { clientId: 'c-1', userId })).toBe('go');
    expect(await world.deletions.cancel({ userId })).toBe('too-late');
  });

  it('forgets what was sent more than an hour ago', async () => {
    const world = await createDeletionsWorld({ deletionsPerHour: 1 });
    const sent = `${world.prefix}:deletions-sent`;
    await world.redis.zadd(sent, Date.now() - 3_600_001, 'another');
    await world.schedule({ clientId: 'c-1' }, Date.now());
    expect(await world.authorize(await world.fetch())).toBe('go');
    expect(await world.redis.zcard(sent)).toBe(1);
    expect(await world.redis.pttl(sent)).toBeGreaterThan(3_500_000);
  });

  it('is the end of a failed one only for that one: what was sent stays sent', async () => {
    const world = await createDeletionsWorld();
    for (const clientId of ['c-1', 'c-2']) await world.schedule({ clientId }, Date.now());
    const [sent, other] = [await world.fetch(), await world.fetch()];
    await world.authorize(sent, { clientId: 'c-1', userId });
    await world.fail(other, { clientId: 'c-2', userId });
    expect(await world.check(sent, { userId })).toMatchObject({ is: 'released' });
  });

  it('holds no more what has to run no more, and its circuit closes with the last one', async () => {
    const world = await createDeletionsWorld();
    const circuit = `${world.prefix}:circuit:deletion-limit:all`;
    const heldBy = (circuit: string) => `${world.prefix}:circuit:${circuit}:held`;
    const [first, second] = await Promise.all(
      ['c-1', 'c-2'].map(async (clientId) => {
        await world.schedule({ clientId }, Date.now());
        return world.fetch();
      }),
    );
    if (first === undefined || second === undefined) throw new Error('no job');
    await world.redis.hset(circuit, 'since', 1);
    for (const job of [first, second])
      for (const circuit of ['deletion-limit', 'admin'])
        await world.redis.zadd(heldBy(circuit), 1, job.id ?? '');
    await world.check(first);
    expect(await world.redis.zcard(heldBy('deletion-limit'))).toBe(2);
    await world.decide(first, 'refuse');
    await world.check(first);
    expect(await world.redis.zrange(heldBy('deletion-limit'), 0, '-1')).toEqual([second.id]);
    expect(await world.redis.exists(circuit)).toBe(1);
    await world.decide(second, 'release');
    await world.check(second);
    expect(await world.redis.exists(circuit, heldBy('deletion-limit'), heldBy('admin'))).toBe(0);
  });

  it('does not close its circuit for a job that it does not hold', async () => {
    const world = await createDeletionsWorld();
    const circuit = `${world.prefix}:circuit:deletion-limit:all`;
    await world.redis.hset(circuit, 'since', 1);
    await world.schedule({ clientId: 'c-1' }, Date.now());
    const job = await world.fetch();
    await world.redis.zadd(`${world.prefix}:circuit:admin:held`, 1, job.id ?? '');
    await world.decide(job, 'release');
    await world.check(job);
    expect(await world.redis.exists(circuit)).toBe(1);
  });

  it('refuses what an operator has refused, unless it was sent', async () => {
    const world = await createDeletionsWorld();
    await world.jobs.add('delete-user', { clientId: 'c-1' });
    const job = await world.fetch();
    await world.decide(job, 'refuse');
    expect(await world.check(job)).toMatchObject({ is: 'refused' });
    expect(await world.lifetimes()).toEqual([]);
    await world.authorize(job);
    expect(await world.check(job)).toMatchObject({ is: 'released' });
  });
});
