import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { spawnWorker } from '../support/spawn-worker.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';

describe('SIGTERM', () => {
  it('finishes what is in flight, takes nothing new and exits 0', async () => {
    const world = await createWorld({
      startsWorker: false,
      env: { WORKER_CONCURRENCY: '5' },
      modes: { latencyMs: 400 },
    });
    const worker = spawnWorker(world.env);
    const jobIds = await Promise.all(
      Array.from({ length: 15 }, (_, n) => world.add('create-user', { clientId: `c-${n}` })),
    );
    await expect.poll(async () => (await world.requests('create')).length).toBeGreaterThanOrEqual(5);
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toBe(0);

    const counts = await world.jobs.getJobCounts('completed', 'wait', 'active', 'failed', 'delayed');
    expect(counts.active).toBe(0);
    expect(counts.wait).toBeGreaterThan(0);
    expect((counts.completed ?? 0) + (counts.wait ?? 0) + (counts.delayed ?? 0)).toBe(15);

    await world.setModes({ latencyMs: 0 });
    spawnWorker(world.env);
    const events = await Promise.all(jobIds.map((id) => world.eventOf(id)));
    expect(events.map(({ type }) => type)).toEqual(events.map(() => 'user.created'));
    expect(await world.requests('create')).toHaveLength(15);
  });

  it('gives back what does not finish in time, with no attempt spent', async () => {
    const world = await createWorld({
      startsWorker: false,
      modes: { latencyMs: 600_000 },
      timings: { graceMs: 50 },
    });
    const worker = await world.startWorker();
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await expect.poll(async () => (await world.requests('create')).length).toBe(1);
    await worker.close();
    expect(await world.jobs.getJob(jobId)).toMatchObject({ attemptsMade: 0 });
    expect(await world.jobs.getActiveCount()).toBe(0);

    await world.setModes({ latencyMs: 0 });
    await world.startWorker();
    expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.created' });
    expect(await world.users()).toHaveLength(1);
  });

  it('exits 0 also while Redis is away, as with SIGINT', async () => {
    const endWith = async (signal: 'SIGTERM' | 'SIGINT') => {
      const proxy = await startTcpProxy(inject('redisUrl'));
      onTestFinished(() => proxy.close());
      const world = await createWorld({ startsWorker: false, redisUrlOfWorker: proxy.url });
      const worker = spawnWorker(world.env);
      const { data } = await world.run('create-user', { clientId: 'c-1' });
      // A job in flight is waited for.
      await expect.poll(() => world.jobs.getJobState(data.jobId)).toBe('completed');
      await proxy.sever();
      await worker.says('Redis is away: the worker waits for it');
      worker.child.kill(signal);
      return worker.exit;
    };
    expect(await Promise.all([endWith('SIGTERM'), endWith('SIGINT')])).toEqual([0, 0]);
  });

  it('exits 0 while Redis is silent and a job is in flight, and another worker finishes the job', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({
      startsWorker: false,
      redisUrlOfWorker: proxy.url,
      timings: { graceMs: 200, giveBackMs: 200, lockMs: 1000 },
      modes: { latencyMs: 300 },
    });
    const worker = await world.startWorker();
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await expect.poll(async () => (await world.requests('create')).length).toBe(1);
    proxy.stall();
    await worker.close();

    world.env['REDIS_URL'] = inject('redisUrl');
    await world.startWorker();
    expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.created' });
    expect(await world.users()).toHaveLength(1);
  });
});

describe('Redis', () => {
  it('that goes away and comes back costs no job and no second user', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({
      redisUrlOfWorker: proxy.url,
      modes: { latencyMs: 20 },
      timings: { lockMs: 1000 },
    });
    const jobIds = await Promise.all(
      Array.from({ length: 60 }, (_, n) => world.add('create-user', { clientId: `c-${n}` })),
    );
    await expect.poll(async () => (await world.requests('create')).length).toBeGreaterThan(0);
    await proxy.sever();
    await proxy.restore();
    const events = await Promise.all(jobIds.map((id) => world.eventOf(id)));
    expect(events.map(({ type }) => type)).toEqual(events.map(() => 'user.created'));
    expect(await world.users()).toHaveLength(60);
  });
});
