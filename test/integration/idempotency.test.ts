import { describe, expect, it, onTestFinished } from 'vitest';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { createWorld } from '../support/world.ts';

const DAY_S = 24 * 3600;
const clientId = 'c-1';
const key = { idempotencyKey: 'order 17 of ada@example.com' };
const change = { clientId, changes: { phone: 'OLD' } };

async function createKeyedWorld() {
  const world = await createWorld();
  const producer = new UserJobs({ redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix });
  onTestFinished(() => producer.close());
  const eventsOf = (jobId: string) => world.events.filter(({ data }) => data.jobId === jobId);
  /** The queue keeps no job that is done, as after many others. */
  const forgetJobs = async () => {
    await expect.poll(() => world.jobs.getActiveCount()).toBe(0);
    await world.jobs.clean(0, 0, 'completed');
  };
  const keysOf = (jobId: string) => world.redis.keys(`${world.prefix}*${jobId}*`);
  return { ...world, producer, eventsOf, forgetJobs, keysOf };
}

describe('a request that is repeated under its idempotency key', () => {
  it('after the queue has forgotten its job ends as it did, and is not carried out', async () => {
    const world = await createKeyedWorld();
    const { producer } = world;
    await (await producer.create({ clientId })).result();
    const job = await producer.update(change, key);
    const first = await job.result();
    await (await producer.update({ clientId, changes: { phone: 'NEW' } })).result();
    await world.forgetJobs();
    const before = await world.requests();
    const [again, atOnce] = await Promise.all([producer.update(change, key), producer.update(change, key)]);
    expect([again.id, atOnce.id]).toEqual([job.id, job.id]);
    expect(await again.result()).toEqual(first);
    expect(await world.requests()).toEqual(before);
    expect((await world.users())[0]?.phone).toBe('NEW');
    await world.run('create-user', { clientId: 'c-2' });
    expect(world.eventsOf(job.id)).toHaveLength(1);
    expect(await world.redis.hget(world.jobs.toKey(job.id), 'data')).toMatch(
      /^\{"clientId":"c-1","instance":"default","ended":/,
    );
  });

  it('stays so for 24 hours and no longer, under a key that reveals nothing of it', async () => {
    const world = await createKeyedWorld();
    const { producer } = world;
    const { id } = await producer.create({ clientId }, key);
    await producer.job(id).result();
    await world.forgetJobs();
    const [kept = '', ...more] = await world.keysOf(id);
    expect(more).toEqual([]);
    expect(kept).toMatch(/:key-[\w-]{27}$/);
    const seconds = await world.redis.ttl(kept);
    expect(seconds).toBeLessThanOrEqual(DAY_S);
    expect(seconds).toBeGreaterThan(DAY_S - 60);
    // As it does in the end.
    await world.redis.del(kept);
    expect(await (await producer.create({ clientId }, key)).result()).toMatchObject({
      data: { existed: true },
    });
  });

  it('is carried out if its job was removed before it ran', async () => {
    const world = await createKeyedWorld();
    const { producer } = world;
    await world.jobs.pause();
    const { id } = await producer.create({ clientId }, key);
    await (await world.jobs.getJob(id))?.remove();
    await producer.create({ clientId }, key);
    await world.jobs.resume();
    expect(await producer.job(id).result()).toMatchObject({ type: 'user.created', data: { clientId } });
    expect(await world.users()).toHaveLength(1);
  });

  it('is carried out if its job has failed and was removed', async () => {
    const world = await createKeyedWorld();
    const { producer } = world;
    const unknown = { clientId, instance: 'unheard-of' };
    const { id } = await producer.create(unknown, key);
    for (const times of [1, 2]) {
      expect(await producer.job(id).result()).toMatchObject({ data: { code: 'unknown-instance' } });
      await expect.poll(() => world.eventsOf(id)).toHaveLength(times);
      await (await world.jobs.getJob(id))?.remove();
      if (times === 1) await producer.create(unknown, key);
    }
  });

  it('is retried by hand without effect, as any job that is done', async () => {
    const world = await createKeyedWorld();
    const { producer } = world;
    const job = await producer.create({ clientId }, key);
    const first = await job.result();
    await world.forgetJobs();
    await (await producer.create({ clientId }, key)).result();
    await world.redis.del(...(await world.keysOf(job.id)).filter((name) => name.includes(':settled:')));
    await expect.poll(() => world.jobs.getActiveCount()).toBe(0);
    await (await world.jobs.getJob(job.id))?.retry('completed');
    expect(await job.result()).toEqual(first);
    expect(await world.requests('create')).toHaveLength(1);
    expect(world.eventsOf(job.id)).toHaveLength(1);
  });
});
