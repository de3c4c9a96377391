import { once } from 'node:events';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import type { UserEvent } from '../../src/contract/event.ts';
import { AbandonableWorker } from '../../src/bullmq/protected-members.ts';
import { UserEvents } from '../../src/client/user-events.ts';
import { recordTelemetry } from '../support/recorded-telemetry.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';
import { createEventsWorld } from './events-world.ts';

/** The worker of BullMQ behind a subscriber. */
function workerOf(listen: () => UserEvents): AbandonableWorker {
  const on = vi.spyOn(AbandonableWorker.prototype, 'on');
  listen();
  const [worker] = on.mock.contexts;
  on.mockRestore();
  if (!(worker instanceof AbandonableWorker)) throw new Error('no worker was made');
  return worker;
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
    const ofAnotherFleet = { ...event, source: '/damoov-users/other/user-jobs' };
    for (const published of [event, event, other, event, ofAnotherFleet, ofAnotherFleet])
      await world.publish(published);
    await expect.poll(() => world.queue.getCompletedCount()).toBe(6);
    expect(handled).toEqual([event.id, other.id, event.id]);
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
      { id: 'hopeless/1795878932453/user.updated', type: 'user.updated', isGivenUp: true },
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
    const { prefix } = world;
    const forgetful = await world.createUser(
      `~${prefix}:user-events:*`,
      `%R~${prefix}:seen:*`,
      '&*',
      '+@all',
    );
    const warnings: string[] = [];
    const listen = ({ message }: Error) => void warnings.push(message);
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    const handled: string[] = [];
    const told: unknown[] = [];
    world.listen((event) => void handled.push(event.id), {
      redis: forgetful.url,
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
    // Its failure is reported too, without any data.
    await expect.poll(() => warnings).toEqual(['onError of UserEvents has thrown']);
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

  it.each([
    ['as long as it was told to', 60_000, 60_000],
    ['for a day, where it was told nothing', undefined, 24 * 3_600_000],
  ])('remembers an event %s', async (_howLong, rememberMs, ttlMs) => {
    const world = createEventsWorld();
    world.listen(() => {}, { rememberMs });
    await world.publish(world.eventOf('1'));
    await expect.poll(() => world.queue.getCompletedCount()).toBe(1);
    const [seen = ''] = await world.redis.keys(`${world.prefix}:seen:*`);
    const leftMs = await world.redis.pttl(seen);
    expect(leftMs).toBeLessThanOrEqual(ttlMs);
    expect(leftMs).toBeGreaterThan(ttlMs / 2);
  });

  it('has a handler stop whose event may have gone to another one', async () => {
    const world = createEventsWorld();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    world.listen(
      async (_event, { signal }) => {
        begin();
        await once(signal, 'abort');
        stop();
      },
      { lockMs: 200 },
    );
    const { id } = await world.publish(world.eventOf('1'));
    await begun;
    await world.redis.set(`${world.prefix}:user-events:${id}:lock`, 'of another one');
    await expect(stopped).resolves.toBeUndefined();
  });

  it('is told once, and in words of ours, of a delivery that it may have lost', async () => {
    const world = createEventsWorld();
    const told: unknown[] = [];
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const events = world.listen(
      async (_event, { signal }) => {
        begin();
        await once(signal, 'abort');
      },
      { lockMs: 200, onError: (error, event) => told.push([error.name, error.message, event]) },
    );
    const event = world.eventOf('1');
    const { id } = await world.publish(event);
    await begun;
    await world.redis.set(`${world.prefix}:user-events:${id}:lock`, 'of another one');
    await expect.poll(() => told).not.toEqual([]);
    await events.close({ graceMs: 1000 });
    expect(told).toEqual([
      [
        'DeliveryLostError',
        expect.stringContaining('may have gone to another subscriber'),
        { id: event.id, type: event.type, isGivenUp: false },
      ],
    ]);
  });

  it('is told of a lost delivery also where BullMQ names no error', async () => {
    const world = createEventsWorld();
    const told: string[] = [];
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const worker = workerOf(() =>
      world.listen(
        async (_event, { signal }) => {
          begin();
          await once(signal, 'abort');
        },
        { onError: ({ name }) => told.push(name) },
      ),
    );
    const { id = '' } = await world.publish(world.eventOf('1'));
    await begun;
    worker.emit('lockRenewalFailed', [id]);
    expect(told).toEqual(['DeliveryLostError']);
  });

  it.each(['completed', 'failed'] as const)('is told nothing more of an event that has %s', async (end) => {
    const world = createEventsWorld();
    const told: string[] = [];
    const handler = () => {
      if (end === 'failed') throw new RangeError();
    };
    const options = { retry: { attempts: 1 }, onError: ({ name }: Error) => told.push(name) };
    const worker = workerOf(() => world.listen(handler, options));
    const ended = once(worker, end);
    const { id } = await world.publish(world.eventOf('1'));
    await ended;
    worker.emit('error', new Error(`Missing lock for job ${id}. moveToFinished`));
    expect(told).toEqual(end === 'failed' ? ['RangeError'] : []);
  });

  it('looks for events that others have left, also with an odd lock', async () => {
    const world = createEventsWorld();
    const told: Error[] = [];
    world.listen(() => {}, { lockMs: 30_001, onError: (error) => told.push(error) });
    await expect.poll(() => world.redis.exists(world.queue.toKey('stalled-check'))).toBe(1);
    expect(told).toEqual([]);
  });

  it('is closed where its block ends', async () => {
    const world = createEventsWorld();
    const handled: string[] = [];
    {
      await using events = new UserEvents(
        { redis: inject('redisUrl'), prefix: world.prefix },
        ({ id }) => void handled.push(id),
      );
      expect(events).toBeInstanceOf(UserEvents);
      await world.publish(world.eventOf('1'));
      await expect.poll(() => handled).toHaveLength(1);
    }
    await world.publish(world.eventOf('2'));
    expect(await world.queue.getWaitingCount()).toBe(1);
  });

  it('is told where Redis refuses what it needs, with no event', async () => {
    const world = createEventsWorld();
    const { url } = await world.createUser(`~${world.prefix}:another-queue:*`, '&*', '+@all');
    const told: unknown[] = [];
    world.listen(() => {}, { redis: url, onError: (error, event) => told.push([error, event]) });
    await expect.poll(() => told[0]).toEqual([expect.objectContaining({ code: 'NOPERM' }), undefined]);
  });

  it('is told once of a Redis that is not there yet, and listens when it is', async () => {
    const world = createEventsWorld();
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    await proxy.sever();
    const told: string[] = [];
    const handled: string[] = [];
    world.listen((event) => void handled.push(event.id), {
      redis: proxy.url,
      onError: (error) => told.push(error.name),
    });
    await expect.poll(() => told).not.toEqual([]);
    await proxy.restore();
    await world.publish(world.eventOf('1'));
    await expect.poll(() => handled).toHaveLength(1);
    expect(told).toEqual(['RedisAwayError']);
  });

  it('processes each event in a span without data of the user', async () => {
    const world = createEventsWorld();
    const { told, telemetry } = recordTelemetry();
    world.listen(() => {}, { telemetry });
    const event = world.eventOf('1');
    await world.publish(event);
    await expect.poll(() => told).toEqual(expect.arrayContaining(['process user-events', 'end']));
    expect(JSON.stringify(told)).not.toContain(event.data.userId);
  });

  it('whose prefix has no name in braces is warned', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    onTestFinished(() => warned.mockRestore());
    createEventsWorld().listen(() => {}, { prefix: 'damoov' });
    expect(warned.mock.calls).toEqual([[expect.stringMatching(/^prefix has no name in braces/)]]);
  });

  it('whose options cannot be meant is told each fault, and opens nothing', () => {
    const world = createEventsWorld();
    const connect = vi.spyOn(Redis.prototype, 'connect');
    onTestFinished(() => connect.mockRestore());
    expect(() => world.listen(undefined as never, { queue: 'user-jobs', concurency: 5 } as never)).toThrow(
      /^queue: user-jobs is the jobs queue .*; handler: must be a function .*; concurency: no such option$/,
    );
    expect(connect).not.toHaveBeenCalled();
  });

  it.each([
    ['queue', 'none'],
    ['queue', 'a:b'],
    ['prefix', ''],
    ['concurrency', 0],
    ['concurrency', Number.NaN],
    ['lockMs', -1],
    ['lockMs', 1],
    ['lockMs', Infinity],
    ['rememberMs', 0],
    ['rememberMs', 0.5],
    ['rememberMs', Infinity],
    ['onError', 'nobody'],
    ['retry', null],
    ['retry.attempts', Number.NaN],
    ['retry.attempts', 0],
    ['retry.firstMs', Number.NaN],
    ['retry.lastMs', 2 ** 31],
    ['retry.atempts', 3],
  ])('with %s %j is refused', (name, value) => {
    const [outer = '', inner] = name.split('.');
    const options = { [outer]: inner === undefined ? value : { [inner]: value } };
    const world = createEventsWorld();
    expect(() => world.listen(() => {}, options)).toThrow(new RegExp(`^${name}: `));
    expect(() => world.listen(() => {}, options)).toThrow(TypeError);
  });

  it.each([Number.NaN, -1, Infinity, '10'])('is not closed with a grace of %j', async (graceMs) => {
    const events = createEventsWorld().listen(() => {});
    await expect(events.close({ graceMs } as never)).rejects.toThrow(
      'graceMs: must be a number of milliseconds',
    );
    await expect(events.close({ grace: 1 } as never)).rejects.toThrow('grace: no such option');
  });

  it('whose onError rejects goes on', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    onTestFinished(() => warned.mockRestore());
    const world = createEventsWorld();
    let handed = 0;
    world.listen(
      () => {
        handed += 1;
        if (handed === 1) throw new Error('of the handler');
      },
      { retry: { firstMs: 1 }, onError: async () => Promise.reject(new Error('told')) },
    );
    await world.publish(world.eventOf('1'));
    await expect.poll(() => world.queue.getCompletedCount()).toBe(1);
    expect(warned.mock.calls).toEqual([['onError of UserEvents has thrown']]);
  });
});
