import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createSweep, sweepKeyOf } from '../../../src/redis/ledger/sweep.ts';
import { type World, createWorld } from '../../support/world.ts';
import { instance } from './ledger-world.ts';

const DAY_MS = 86_400_000;
const profile = { firstName: 'Ada' };
const changes = { phone: '1' };

const stateOf = async ({ jobs }: World, jobId: string) => jobs.getJobState(jobId);
const sweepIsOver = async ({ redis, prefix }: World) =>
  expect.poll(() => redis.exists(sweepKeyOf(prefix))).toBe(0);

describe('a sweep after a deletion', () => {
  it('lets end what is delayed for long and has a profile of the user, by whatever id it names it', async () => {
    const world = await createWorld();
    const { subject: userId } = await world.run('create-user', { clientId: 'c-1' });
    const options = { delay: DAY_MS };
    const jobIds = [
      await world.add('create-user', { clientId: 'c-1', profile }, options),
      await world.add('update-user', { clientId: 'c-1', changes }, options),
      await world.add('update-user', { userId, changes }, options),
      await world.add('update-user', { clientId: 'c-1', userId, changes }, options),
    ];
    await world.run('delete-user', { clientId: 'c-1' });
    for (const jobId of jobIds) {
      expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.superseded', data: { by: 'deletion' } });
    }
    await sweepIsOver(world);
  });

  it('leaves every other job for its time', async () => {
    const world = await createWorld();
    const other = await world.run('create-user', { clientId: 'c-2' });
    await world.run('create-user', { clientId: 'c-1' });
    const options = { delay: DAY_MS };
    const occurredAt = new Date(Date.now() + 600_000).toISOString();
    const jobIds = [
      await world.add('update-user', { clientId: 'c-1', changes, occurredAt }, options),
      await world.add('update-user', { clientId: 'c-2', changes }, options),
      await world.add('update-user', { clientId: 'c-1', userId: other.subject, changes }, options),
      await world.add('delete-user', { clientId: 'c-1' }, options),
      await world.add('create-user', { clientId: 'c-1', instance: 'mars' }, options),
      await world.add('create-user', { profile }, options),
      await world.add('create-user', 'no object', options),
      await world.add(
        'create-user',
        { clientId: 'c-1', profile: { firstName: 'x'.repeat(70_000) } },
        options,
      ),
    ];
    await world.run('delete-user', { clientId: 'c-1' });
    await sweepIsOver(world);
    const states = await Promise.all(jobIds.map((jobId) => stateOf(world, jobId)));
    expect(states).toEqual(jobIds.map(() => 'delayed'));
  });

  it('is made by one worker, and where that one dies by the next', async () => {
    const world = await createWorld({ startsWorker: false });
    const { prefix, redis } = world;
    const sweepOf = (leaseMs: number) => {
      const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
      onTestFinished(() => connection.disconnect());
      const jobs = new Queue('user-jobs', { connection, prefix });
      return createSweep({ prefix, jobs, connection, instances: new Map([['default', instance]]), leaseMs });
    };
    await redis.set(sweepKeyOf(prefix), 'due');
    await redis.set(`${sweepKeyOf(prefix)}:lease`, 'of another', 'PX', 60_000);
    const sweep = sweepOf(60_000);
    await sweep();
    expect(await redis.get(sweepKeyOf(prefix))).toBe('due');
    await redis.del(`${sweepKeyOf(prefix)}:lease`);
    await sweep();
    expect(await redis.keys(`${sweepKeyOf(prefix)}*`)).toEqual([]);
  });

  it('reads of a deletion scheduled under an id of its own not even the name', async () => {
    const world = await createWorld({ startsWorker: false });
    const add = (jobId: string) =>
      world.add('update-user', { clientId: 'c-1', changes }, { jobId, delay: DAY_MS });
    const [skipped, read] = [await add('del-1'), await add('upd-1')];
    // What cannot be read at all stops a sweep that tries to.
    const key = (jobId: string) => `${world.prefix}:user-jobs:${jobId}`;
    await world.redis.set(key(skipped), 'no hash');
    const { prefix, jobs, redis: connection } = world;
    const sweep = createSweep({
      prefix,
      jobs,
      connection,
      instances: new Map([['default', instance]]),
      leaseMs: 60_000,
    });
    await world.redis.set(sweepKeyOf(prefix), 'due');
    await sweep();
    expect(await world.redis.exists(sweepKeyOf(prefix))).toBe(0);
    await world.redis.set(key(read), 'no hash');
    await world.redis.set(sweepKeyOf(prefix), 'due');
    await expect(sweep()).rejects.toThrow('WRONGTYPE');
    expect(await world.redis.get(sweepKeyOf(prefix))).toBe('due');
  });
});

describe('a sweep after a job of an unknown name', () => {
  it('takes that name out of the queue’s stream, and leaves the rest of the stream', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    await world.run('ada@example.test', {});
    await sweepIsOver(world);
    const entries = await world.redis.xrange(`${world.prefix}:user-jobs:events`, '-', '+');
    const names = entries.flatMap(([, fields]) => {
      const place = fields.indexOf('name');
      return place === -1 ? [] : [fields[place + 1]];
    });
    expect(names).toEqual(['create-user']);
    expect(entries.flatMap(([, fields]) => fields)).toContain('failed');
  });
});
