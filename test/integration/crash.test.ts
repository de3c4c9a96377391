import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld, subscribe } from '../support/world.ts';

describe('a worker that is killed', () => {
  it('while its requests are on the way leaves its jobs to the next one: one user and one event each', async () => {
    const world = await createWorld({ startsWorker: false, modes: { latencyMs: 500 } });
    const first = spawnShortLockedWorker(world.env);
    const clientIds = Array.from({ length: 10 }, (_, n) => `c-${n}`);
    const jobIds = await Promise.all(clientIds.map((clientId) => world.add('create-user', { clientId })));
    // The sandbox has made the users, the worker has not heard of it.
    await expect.poll(async () => (await world.users()).length).toBe(10);
    first.child.kill('SIGKILL');
    expect(await first.exit).toBe('SIGKILL');

    await world.setModes({ latencyMs: 0 });
    spawnShortLockedWorker(world.env);
    const events = await Promise.all(jobIds.map((id) => world.eventOf(id)));
    expect(events.map(({ type }) => type)).toEqual(events.map(() => 'user.created'));
    expect(new Set((await world.users()).map(({ clientId }) => clientId))).toEqual(new Set(clientIds));
    expect(await world.requests('create')).toHaveLength(10);
  });

  it('again and again costs the job nothing', async () => {
    const world = await createWorld({ startsWorker: false, modes: { latencyMs: 600_000 } });
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    for (const round of [1, 2, 3]) {
      const worker = spawnShortLockedWorker(world.env);
      await expect.poll(async () => (await world.requests()).length).toBeGreaterThanOrEqual(round);
      worker.child.kill('SIGKILL');
      await worker.exit;
    }
    await world.setModes({ latencyMs: 0 });
    spawnShortLockedWorker(world.env);
    expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.created' });
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.attemptsMade).toBe(1);
    expect(await world.users()).toHaveLength(1);
  });

  it('after its event is out, before its job is complete, has published it for good', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: proxy.url });
    const worker = spawnShortLockedWorker(world.env);
    await worker.says('connected to Redis');
    // What carries the event reaches Redis; from then on the worker hears and says nothing more.
    const isOut = proxy.dropReplies(1, ':user-events:marker');
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await isOut;
    await proxy.sever();
    worker.child.kill('SIGKILL');
    const event = await world.eventOf(jobId);

    world.env['REDIS_URL'] = inject('redisUrl');
    spawnShortLockedWorker(world.env);
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('completed');
    const later = await world.run('create-user', { clientId: 'c-2' });
    expect(world.events.map(({ id }) => id)).toEqual([event.id, later.id]);
    expect(await world.users()).toHaveLength(2);
  });

  it('once a job is settled, before its event is out, has it published before any later one of its user', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: proxy.url });
    const worker = spawnShortLockedWorker(world.env);
    await world.run('create-user', { clientId: 'c-1' });
    const isSettled = proxy.dropReplies(1, '"lockSettled","1"');
    const update = (phone: string) => world.add('update-user', { clientId: 'c-1', changes: { phone } });
    const first = await update('1');
    await isSettled;
    await proxy.sever();
    worker.child.kill('SIGKILL');
    const later = [await update('2'), await update('3')];

    world.env['REDIS_URL'] = inject('redisUrl');
    spawnShortLockedWorker(world.env);
    for (const jobId of [first, ...later])
      await expect.poll(() => world.jobs.getJobState(jobId), { timeout: 20_000 }).toBe('completed');
    const updated = () => world.events.filter(({ type }) => type === 'user.updated');
    await expect.poll(updated, { timeout: 20_000 }).toHaveLength(3);
    expect(updated().map(({ data }) => data.jobId)).toEqual([first, ...later]);
    expect(await world.users()).toMatchObject([{ phone: '3' }]);
    expect(await world.requests('update')).toHaveLength(3);
  });
});

describe('a reply of Redis that is lost', () => {
  it('to the publication of an event, publishes it once', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ redisUrlOfWorker: proxy.url, timings: { lockMs: 1000 } });
    await world.run('create-user', { clientId: 'warm' });
    const isLost = proxy.dropReplies(1, ':user-events:marker');
    const event = await world.run('create-user', { clientId: 'c-1' });
    await isLost;
    const last = await world.run('create-user', { clientId: 'last' });
    expect(world.events.map(({ id }) => id).slice(1)).toEqual([event.id, last.id]);
  });
});

describe('a Redis that has forgotten its scripts', () => {
  it('is told them again, also within the transaction of an event', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'before' });
    await world.redis.script('FLUSH');
    expect(await world.run('create-user', { clientId: 'after' })).toMatchObject({ type: 'user.created' });
  });
});

describe('a job id that is used again', () => {
  it('is another job: it is carried out, and has its own event', async () => {
    const world = await createWorld();
    const options = { jobId: 'import-7', removeOnComplete: true };
    await world.run('create-user', { clientId: 'c-1' }, options);
    await expect.poll(() => world.jobs.getJob('import-7').then((job) => job?.getState())).toBe('completed');
    await (await world.jobs.getJob('import-7'))?.remove();
    await world.add('delete-user', { clientId: 'c-1' }, options);
    await expect.poll(() => world.events.map(({ type }) => type)).toEqual(['user.created', 'user.deleted']);
    expect(await world.users()).toMatchObject([{ deletedAt: expect.any(String) }]);
  });
});

describe('an events queue that takes no event', () => {
  it('holds the job back until it takes one again, and the effect is not repeated', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,broken' } });
    const meta = `${world.prefix}:broken:meta`;
    await world.redis.set(meta, 'no hash');
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    expect(world.logLines.some((line) => line.includes('could not be settled'))).toBe(true);
    await world.redis.del(meta);
    await (await world.jobs.getJob(jobId))?.promote();
    await expect.poll(() => world.jobs.getJob(jobId).then((job) => job?.getState())).toBe('completed');
    const broken = await subscribe(inject('redisUrl'), world.prefix, 'broken');
    expect(await broken.eventOf(jobId)).toMatchObject({ type: 'user.created' });
    expect(await world.requests('create')).toHaveLength(1);
    expect(await world.users()).toHaveLength(1);
  });
});
