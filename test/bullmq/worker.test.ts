import type { Telemetry } from 'bullmq';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { A } from '../operations/operation-world.ts';
import { C1, createWorkerWorld } from './worker-world.ts';

function telemetryInto(spans: string[]): Telemetry {
  const span: ReturnType<Telemetry['tracer']['startSpan']> = {
    setSpanOnContext: (context: unknown) => context,
    setAttribute() {},
    setAttributes() {},
    addEvent() {},
    recordException() {},
    end() {},
  };
  return {
    tracer: { startSpan: (name) => (spans.push(name), span) },
    contextManager: {
      with: (_context, work) => work(),
      active: () => undefined,
      getMetadata: () => '',
      fromMetadata: (context) => context,
    },
  };
}

describe('a job that is taken', () => {
  it('is run as what lies in Redis', async () => {
    const world = await createWorkerWorld();
    const jobId = await world.add('create-user', C1, { attempts: 1 });
    world.holdCreates();
    world.start();
    const { end } = await world.create(1);
    const { timestamp } = (await world.jobs.getJob(jobId)) ?? {};
    expect(world.runs).toMatchObject([{ jobId, timestamp, stalls: 0, hasRunBefore: false }]);
    end();
    expect(await world.runEnds()).toMatchObject({ jobId, attempt: 1, decision: { next: 'complete' } });
  });

  it('is as old as the oldest of the jobs that wait for it', async () => {
    const world = await createWorkerWorld();
    const now = Date.now();
    const options = { timestamp: now, delay: 3_600_000 };
    const behind = (id: string) => ({ parent: { id, queue: world.jobs.qualifiedName } });
    const last = await world.add('create-user', C1, options);
    const next = await world.add('create-user', C1, { ...options, timestamp: now - 2, ...behind(last) });
    const jobId = await world.add('create-user', C1, { timestamp: now - 1, ...behind(next) });
    world.start();
    expect(await world.runEnds()).toMatchObject({ jobId });
    expect(world.begun).toMatchObject([{ version: `${now - 2} 0 ${jobId}` }]);
  });

  it('keeps nobody from the next one if its data is no JSON', async () => {
    const world = await createWorkerWorld();
    const broken = await world.add('create-user', C1);
    await world.redis.hset(world.lockOf(broken).replace(/:lock$/, ''), 'data', '{"clientId":');
    const next = await world.add('create-user', C1);
    world.start();
    const invalid = { next: 'fail', reason: expect.stringContaining('not JSON') };
    expect(await world.runEnds()).toMatchObject({ jobId: broken, decision: invalid });
    expect(await world.runEnds()).toMatchObject({ jobId: next, decision: { next: 'complete' } });
  });

  it('and is far too large is refused by its size, and nothing of it is kept', async () => {
    const world = await createWorkerWorld();
    const text = JSON.stringify({ clientId: 'c-1', profile: { firstName: 'x'.repeat(2_000_000) } });
    const jobId = await world.add('create-user', JSON.parse(text) as object);
    world.start();
    const message = `the data is ${text.length} bytes, more than the 65536 allowed`;
    expect(await world.runEnds()).toMatchObject({
      jobId,
      decision: { outcome: { code: 'invalid-job', message } },
    });
    expect(world.aside[0]?.whose).toBeUndefined();
    await expect.poll(() => world.jobs.getFailedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({ data: `${message}: it is not kept` });
  });

  it.each(['x'.repeat(2_000_000), 'ada@example.test', 'ada_lovelace', 'ada-king-of-lovelace-byron', 'Ada'])(
    'and has a name that may be a person’s is refused, and not kept (%.9s)',
    async (name) => {
      const world = await createWorkerWorld();
      await world.add(name, C1);
      world.start();
      const message = expect.stringContaining('unknown job name');
      expect(await world.runEnds()).toMatchObject({
        decision: { outcome: { code: 'invalid-job', message } },
      });
      await expect.poll(() => world.jobs.getJobCountByTypes()).toBe(0);
      expect(JSON.stringify([world.published, world.reports])).not.toContain(name);
      expect(world.published).toMatchObject([{ type: 'user.failed' }]);
    },
  );

  it('and was deferred says in its receipt when it was due', async () => {
    const world = await createWorkerWorld();
    await world.add('delete-user', { userId: A }, { delay: 1 });
    world.start();
    const receipt = { scheduledFor: expect.any(String) };
    expect(await world.runEnds()).toMatchObject({ decision: { event: { data: { receipt } } } });
  });

  it('and was added with a negative delay was not deferred, and says no such thing', async () => {
    const world = await createWorkerWorld();
    await world.add('delete-user', { userId: A }, { delay: -5000 });
    world.start();
    expect(await world.runEnds()).toMatchObject({
      decision: {
        event: { data: { receipt: expect.not.objectContaining({ scheduledFor: expect.anything() }) } },
      },
    });
  });

  it('and whose timestamp is no number is refused', async () => {
    const world = await createWorkerWorld();
    const id = await world.add('create-user', C1);
    await world.redis.hset(`${world.jobs.toKey('')}${id}`, 'timestamp', 'yesterday');
    world.start();
    const message = expect.stringContaining("the job's own timestamp");
    expect(await world.runEnds()).toMatchObject({ decision: { outcome: { code: 'invalid-job', message } } });
  });
});

it('what a job goes through can be followed', async () => {
  const spans: string[] = [];
  const world = await createWorkerWorld({ telemetry: telemetryInto(spans) });
  await world.add('create-user', C1);
  world.start();
  await world.runEnds();
  expect(spans).toContain('process user-jobs');
});

it('a job that was fetched so long ago that another worker may have it is not begun', async () => {
  const world = await createWorkerWorld({ lockMs: 30_000 });
  const clock = performance.now.bind(performance);
  let frozenMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock() + frozenMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const { now } = world.pipeline.ports;
  world.pipeline.ports.now = () => {
    frozenMs = 30_000;
    return now();
  };
  await world.add('create-user', C1);
  world.start();
  expect(await world.runEnds()).toMatchObject({ decision: { next: 'abandoned' } });
  expect(world.runs).toEqual([]);
});

it('a job that Redis has lost while it ran has ended all the same', async () => {
  const world = await createWorkerWorld();
  const jobId = await world.add('create-user', C1);
  world.holdCreates();
  world.start();
  const { end } = await world.create(1);
  await world.redis.del(`${world.jobs.toKey('')}${jobId}`);
  end();
  expect(await world.runEnds()).toMatchObject({ decision: { next: 'complete' } });
  expect(await world.redis.exists(`${world.jobs.toKey('')}${jobId}`)).toBe(0);
});

describe('the lock of a job', () => {
  it('that is lost ends the run at its next step, which keeps nothing of the job any more', async () => {
    const world = await createWorkerWorld({ lockMs: 1000, concurrency: 2 });
    const jobId = await world.add('create-user', C1);
    world.holdCreates();
    world.start();
    const { options, end } = await world.create(1);
    await world.redis.del(world.lockOf(jobId));
    await expect.poll(() => options?.signal?.aborted).toBe(true);
    // By now another run may have started; it does not end.
    end();
    await world.runEnds();
    expect(await world.jobs.getJob(jobId)).toMatchObject({ data: C1 });
    await expect.poll(() => world.errors.map(String)).toContainEqual(expect.stringContaining('lock'));
  });
});

describe('a worker that stops', () => {
  it('lets the job in flight finish, and leaves the next one to others', async () => {
    const world = await createWorkerWorld();
    await world.add('create-user', C1);
    await world.add('create-user', { clientId: 'c-2' });
    world.holdCreates();
    const worker = world.start();
    const { options, end } = await world.create(1);
    const closed = worker.close(10_000);
    end();
    await closed;
    expect(options?.signal?.aborted).toBe(false);
    expect(await world.jobs.getJobCounts('completed', 'wait', 'active')).toEqual({
      completed: 1,
      wait: 1,
      active: 0,
    });
  });

  it('waits for no job where there is none and Redis is away', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorkerWorld({ redisUrl: proxy.url });
    await world.add('create-user', C1);
    const worker = world.start();
    await world.runEnds();
    await expect.poll(() => world.jobs.getCompletedCount()).toBe(1);
    await proxy.sever();
    await expect.poll(() => world.errors.map(String)).toContainEqual(expect.stringContaining('ECONNREFUSED'));
    // Were the grace waited for, the test would be over before.
    await expect(worker.close(600_000, 1)).resolves.toBeUndefined();
  });
});
