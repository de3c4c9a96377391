import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createEventsWorld } from './events-world.ts';

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

  it('gives its handlers the grace that it was given, and only then has them stop', async () => {
    const world = createEventsWorld();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    let isStopped = false;
    const events = world.listen(async (_event, { signal }) => {
      begin();
      await once(signal, 'abort');
      isStopped = true;
    });
    await world.publish(world.eventOf('1'));
    await begun;
    const { pass } = stopTime();
    const closed = events.close({ graceMs: 5000 });
    await pass(4999);
    expect(isStopped).toBe(false);
    await pass(1);
    expect(isStopped).toBe(true);
    await closed;
  });

  it('needs no grace with nothing in flight, also where Redis is silent', async () => {
    const world = createEventsWorld();
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const events = world.listen(() => {}, { redis: proxy.url });
    await world.publish(world.eventOf('1'));
    await expect.poll(() => world.queue.getCompletedCount()).toBe(1);
    proxy.stall();
    const { pass } = stopTime();
    let isClosed = false;
    void events.close({ graceMs: 60_000 }).then(() => (isClosed = true));
    await pass(3000);
    expect(isClosed).toBe(true);
  });

  it('lets go of all its connections', async () => {
    const world = createEventsWorld();
    const user = await world.createUser('~*', '&*', '+@all');
    const connections = async () =>
      String(await world.redis.client('LIST'))
        .split('\n')
        .filter((line) => line.includes(` user=${user.name} `)).length;
    const events = world.listen(() => {}, { redis: user.url });
    await expect.poll(connections).toBe(2);
    await events.close();
    await expect.poll(connections).toBe(0);
  });

  it.each(['there', 'away'])(
    'lets its process end though a handler never does, with Redis %s',
    async (how) => {
      const world = createEventsWorld();
      const proxy = await startTcpProxy(inject('redisUrl'));
      onTestFinished(() => proxy.close());
      const env = { ...process.env, ...COMPILE_CACHE, REDIS_URL: proxy.url, PREFIX: world.prefix };
      const child = fork(join(import.meta.dirname, 'user-events-main.ts'), { env, execArgv: [] });
      onTestFinished(() => void child.kill('SIGKILL'));
      const exit = once(child, 'exit');
      const begun = once(child, 'message');
      await world.publish(world.eventOf('1'));
      await begun;
      if (how === 'away') await proxy.sever();
      child.send('stop');
      expect(await exit).toEqual([0, null]);
    },
  );
});

/** Timers run only as the test says. */
function stopTime() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  return { pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
}
