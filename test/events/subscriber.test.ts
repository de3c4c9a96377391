import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { UserEvent } from '../../src/contract/event.ts';
import { type EventHandler, UserEvents, type UserEventsOptions } from '../../src/events/subscriber.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';

/** An events queue of its own, to which anything can be added. */
function createEventsWorld() {
  const prefix = `{test-${randomUUID()}}`;
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const queue = new Queue('user-events', { connection: redis, prefix });
  onTestFinished(async () => {
    await queue.obliterate({ force: true });
    await queue.close();
    redis.disconnect();
  });
  const eventOf = (jobId: string): UserEvent => ({
    specversion: '1.0',
    id: `user-jobs/${jobId}/user.updated`,
    source: 'damoov-user-lifecycle',
    type: 'user.updated',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: { userId: randomUUID(), instance: 'default', jobId, changed: ['phone'] },
  });
  return {
    prefix,
    redis,
    queue,
    publish: (event: UserEvent) => queue.add(event.type, event),
    eventOf,
    listen(handler: EventHandler, options: Partial<UserEventsOptions> = {}) {
      const events = new UserEvents({ redis: inject('redisUrl'), prefix, ...options }, handler);
      onTestFinished(() => events.close({ graceMs: 0 }));
      return events;
    },
  };
}

describe('a subscriber', () => {
  it('is handed what a worker publishes, typed by the contract', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,crm' } });
    const received: string[] = [];
    const crm = new UserEvents(
      { redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix, queue: 'crm' },
      (event) => {
        if (event.type === 'user.created') received.push(event.data.userId);
      },
    );
    onTestFinished(() => crm.close());
    const { data } = await world.run('create-user', { clientId: 'c-1' });
    await expect.poll(() => received).toEqual([data.userId]);
  });

  it('is handed an event once, however often it is published', async () => {
    const world = createEventsWorld();
    const handled: string[] = [];
    world.listen((event) => void handled.push(event.id), { concurrency: 1 });
    const [event, other] = [world.eventOf('1'), world.eventOf('2')];
    for (const published of [event, event, other, event]) await world.publish(published);
    await expect.poll(() => world.queue.getCompletedCount()).toBe(4);
    expect(handled).toEqual([event.id, other.id]);
  });

  it('is handed an event again where it did not deal with it, until it has, or has failed too often', async () => {
    const world = createEventsWorld();
    const attempts: number[] = [];
    const told: unknown[] = [];
    world.listen(
      (event, { attempt }) => {
        attempts.push(attempt);
        if (event.data.jobId === 'hopeless' || attempt < 3)
          throw new TypeError('ada@example.com is no number');
      },
      { retry: { attempts: 4, firstMs: 1 }, onError: (error, event) => told.push([error.name, event]) },
    );
    await world.publish(world.eventOf('1'));
    await expect.poll(() => world.queue.getCompletedCount()).toBe(1);
    expect(attempts).toEqual([1, 2, 3]);
    const { id } = await world.publish(world.eventOf('hopeless'));
    await expect.poll(() => world.queue.getFailedCount()).toBe(1);
    expect(attempts.slice(3)).toEqual([1, 2, 3, 4]);
    expect(told.at(-1)).toEqual([
      'TypeError',
      { id: 'user-jobs/hopeless/user.updated', type: 'user.updated', isGivenUp: true },
    ]);
    const failed = await world.queue.getJob(id ?? '');
    expect(JSON.stringify(failed)).not.toContain('ada@example.com');
  });

  it('sets aside what is no event of this contract, and says so', async () => {
    const world = createEventsWorld();
    const handled: string[] = [];
    const told: unknown[] = [];
    world.listen((event) => void handled.push(event.id), { onError: (_error, event) => told.push(event) });
    await world.queue.add('user.promoted', { hello: 'world' }, { jobId: 'strange' });
    await world.publish(world.eventOf('1'));
    await expect.poll(() => world.queue.getCompletedCount()).toBe(1);
    await expect.poll(() => world.queue.getFailedCount()).toBe(1);
    expect(handled).toHaveLength(1);
    expect(told).toEqual([{ id: 'strange', type: 'user.promoted', isGivenUp: true }]);
  });

  it('is handed an event of a later version, with what that has more', async () => {
    const world = createEventsWorld();
    const handled: UserEvent[] = [];
    world.listen((event) => void handled.push(event));
    const event = world.eventOf('1');
    const later = { ...event, traceparent: '00-1', data: { ...event.data, region: 'eu' } };
    await world.queue.add(event.type, later);
    await expect.poll(() => handled).toEqual([later]);
  });

  it('is handed an event once also where Redis refuses to remember it, and is told so', async () => {
    const world = createEventsWorld();
    const name = `forgetful-${randomUUID()}`;
    const { prefix, redis } = world;
    await redis.call(
      'ACL',
      'SETUSER',
      name,
      'on',
      '>secret',
      `~${prefix}:user-events:*`,
      `%R~${prefix}:seen:*`,
      '&*',
      '+@all',
    );
    onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', name)));
    const url = new URL(inject('redisUrl'));
    Object.assign(url, { username: name, password: 'secret' });
    const handled: string[] = [];
    const told: unknown[] = [];
    world.listen((event) => void handled.push(event.id), {
      redis: url.href,
      onError(error, event) {
        told.push([error.message, event?.id]);
        throw new Error('ada@example.com');
      },
    });
    const { id } = world.eventOf('1');
    const job = await world.publish(world.eventOf('1'));
    await expect.poll(() => world.queue.getCompletedCount()).toBe(1);
    expect(handled).toEqual([id]);
    expect(told).toEqual([[expect.stringContaining('Redis refuses to write (NOPERM): its user'), id]]);
    expect(JSON.stringify(await world.queue.getJob(job.id ?? ''))).not.toContain('ada@example.com');
  });

  it('deals with as many at once as it was told to, and no more', async () => {
    const world = createEventsWorld();
    let now = 0;
    let most = 0;
    const { promise: all, resolve } = Promise.withResolvers<void>();
    world.listen(
      async () => {
        now += 1;
        most = Math.max(most, now);
        if (now === 3) resolve();
        await all;
        now -= 1;
      },
      { concurrency: 3 },
    );
    await Promise.all(Array.from({ length: 9 }, (_, n) => world.publish(world.eventOf(`${n}`))));
    await expect.poll(() => world.queue.getCompletedCount()).toBe(9);
    expect(most).toBe(3);
  });
});

describe('a subscriber that stops', () => {
  it('lets its handlers end, and takes nothing more', async () => {
    const world = createEventsWorld();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const events = world.listen(
      async () => {
        begin();
        await mayEnd;
      },
      { concurrency: 1 },
    );
    await world.publish(world.eventOf('1'));
    await world.publish(world.eventOf('2'));
    await begun;
    const closed = events.close();
    end();
    await closed;
    expect(await world.queue.getCompletedCount()).toBe(1);
    expect(await world.queue.getWaitingCount()).toBe(1);
  });

  it('gives back what its handlers break off, with no attempt spent, and another is handed it', async () => {
    const world = createEventsWorld();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const events = world.listen(async (_event, { signal }) => {
      begin();
      await new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('stopped'))),
      );
    });
    await world.publish(world.eventOf('1'));
    await begun;
    await events.close({ graceMs: 0 });
    const attempts: number[] = [];
    world.listen((_event, { attempt }) => void attempts.push(attempt));
    await expect.poll(() => attempts).toEqual([1]);
  });

  it('stops also while Redis is away, of which it was told once', async () => {
    const world = createEventsWorld();
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const told: string[] = [];
    const handled: string[] = [];
    const events = world.listen((event) => void handled.push(event.id), {
      redis: proxy.url,
      onError: (error) => told.push(error.message),
    });
    await world.publish(world.eventOf('1'));
    await expect.poll(() => handled).toHaveLength(1);
    await proxy.sever();
    await expect.poll(() => told).toHaveLength(1);
    expect(told[0]).toContain('Redis is away');
    await proxy.restore();
    await world.publish(world.eventOf('2'));
    await expect.poll(() => handled).toHaveLength(2);
    await proxy.sever();
    await events.close();
  });
});
