import { randomUUID } from 'node:crypto';
import { Job, type JobsOptions, Queue, type Telemetry } from 'bullmq';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import type { OperationContext } from '../../src/operations/context.ts';
import { connectRedis } from '../../src/redis/connection.ts';
import type { RunReport } from '../../src/lifecycle/delivery.ts';
import type { Begun, Run } from '../../src/lifecycle/ports/user-state.ts';
import { backoffStrategy } from '../../src/bullmq/processor.ts';
import { startWorker } from '../../src/bullmq/worker.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { A } from '../operations/operation-world.ts';
import { type PipelineWorldOptions, createPipelineWorld } from '../lifecycle/pipeline-world.ts';

interface WorkerWorldOptions extends PipelineWorldOptions {
  lockMs?: number;
  concurrency?: number;
  /** Where the worker reaches Redis. */
  redisUrl?: string;
  telemetry?: Telemetry;
}

type CreateOptions = Parameters<OperationContext['client']['createUser']>[2];

/** A worker on a queue of its own in the real Redis; what its jobs do lies in memory. */
async function createWorkerWorld(options: WorkerWorldOptions = {}) {
  const { lockMs = 30_000, concurrency = 1, redisUrl = inject('redisUrl') } = options;
  const prefix = `{test-${randomUUID()}}`;
  const redis = connectRedis({ kind: 'url', url: inject('redisUrl') });
  onTestFinished(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
    redis.disconnect();
  });
  const jobs = new Queue('user-jobs', { connection: redis, prefix });
  onTestFinished(() => jobs.close());

  const world = createPipelineWorld(options);
  const { pipeline } = world;
  const runs: Run[] = [];
  const { userState } = pipeline;
  const begin = userState.begin.bind(userState);
  pipeline.userState = {
    ...userState,
    begin: (run, ...more) => {
      runs.push(run);
      return begin(run, ...more);
    },
  };
  const ends = { waiting: [] as ((report: RunReport) => void)[], reports: [] as RunReport[] };
  pipeline.onRun = (report) => {
    const next = ends.waiting.shift();
    if (next === undefined) ends.reports.push(report);
    else next(report);
  };
  /** Creates under way: each ends when the test says so. */
  const creates: { options: CreateOptions; end: () => void }[] = [];
  const { client } = pipeline.ports;
  const held: OperationContext['client'] = {
    ...client,
    async createUser(instance, user, options) {
      const { promise, resolve } = Promise.withResolvers<void>();
      creates.push({ options, end: resolve });
      await promise;
      return client.createUser(instance, user, options);
    },
  };

  const errors: Error[] = [];
  const connection = connectRedis({ kind: 'url', url: redisUrl });
  onTestFinished(() => connection.disconnect());
  const start = () => {
    const worker = startWorker(pipeline, {
      connection,
      prefix,
      concurrency,
      lockMs,
      telemetry: options.telemetry,
      onError: (error) => void errors.push(error),
    });
    onTestFinished(() => worker.close(0, 100));
    return worker;
  };
  return {
    ...world,
    jobs,
    redis,
    lockOf: (jobId: string) => `${prefix}:user-jobs:${jobId}:lock`,
    runs,
    errors,
    start,
    /** From now on creates wait for the test. */
    holdCreates: () => {
      pipeline.ports = { ...pipeline.ports, client: held };
    },
    creates,
    create: async (count: number) => {
      await expect.poll(() => creates.length).toBeGreaterThanOrEqual(count);
      const create = creates[count - 1];
      if (create === undefined) throw new Error('there is no such create');
      return create;
    },
    add: async (name: string, data: object, options?: JobsOptions) => {
      const { id } = await jobs.add(name, data, options);
      if (id === undefined) throw new Error('the job got no id');
      return id;
    },
    /** The end of the next run that no test has awaited yet. */
    runEnds: () =>
      new Promise<RunReport>((resolve) => {
        const report = ends.reports.shift();
        if (report === undefined) ends.waiting.push(resolve);
        else resolve(report);
      }),
  };
}

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

const C1 = { clientId: 'c-1' };

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

describe('a job that ends', () => {
  it('has completed, with what its event says and its ids alone, when the worker stops at the latest', async () => {
    const world = await createWorkerWorld();
    const jobId = await world.add('create-user', { ...C1, profile: { firstName: 'Ada' } });
    const worker = world.start();
    const { decision } = await world.runEnds();
    await worker.close(10_000);
    expect(await world.jobs.getJobState(jobId)).toBe('completed');
    const job = await world.jobs.getJob(jobId);
    expect(job).toMatchObject({ returnvalue: 'event' in decision ? decision.event.data : undefined });
    expect(Object.keys(job?.data as object).toSorted()).toEqual(['clientId', 'ended', 'instance', 'proof']);
    expect(world.errors).toEqual([]);
  });

  it('fails for good at once if its decision says so', async () => {
    const world = await createWorkerWorld();
    const jobId = await world.add('create-user', { profile: 1 });
    world.start();
    await world.runEnds();
    await expect.poll(() => world.jobs.getFailedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({
      failedReason: expect.stringMatching(/^invalid-job: /),
    });
  });
});

describe('a job that goes on later', () => {
  it('comes back when the retry policy says, however it was added, and has spent an attempt', async () => {
    const world = await createWorkerWorld({ record: { state: 'live', userId: A } });
    world.damoov.fails('update', 'rejected', { status: 408 });
    const jobId = await world.add('update-user', { ...C1, changes: { phone: '1' } }, { attempts: 1 });
    world.pipeline.retry = { attempts: 15, baseMs: 3_600_000, maxMs: 3_600_000 };
    world.start();
    const { decision } = await world.runEnds();
    const delayMs = decision.next === 'retry' ? decision.delayMs : Number.NaN;
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({ delay: Math.max(1, delayMs), attemptsMade: 1 });
  });

  it('and only waits has spent none', async () => {
    const world = await createWorkerWorld();
    world.damoov.fails('create', 'rate-limited', { status: 429 });
    const jobId = await world.add('create-user', C1);
    world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'wait' } });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({ attemptsMade: 0 });
  });

  it.each(['moveToDelayed', 'moveToCompleted'] as const)(
    'and is refused by Redis at %s has spent none, although it was its last',
    async (step) => {
      const world = await createWorkerWorld();
      world.pipeline.retry = { attempts: 1, baseMs: 1, maxMs: 1 };
      if (step === 'moveToDelayed') world.damoov.fails('create', 'rate-limited', { status: 429 });
      const refusal = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });
      vi.spyOn(Job.prototype, step).mockRejectedValueOnce(refusal);
      onTestFinished(() => void vi.restoreAllMocks());
      const jobId = await world.add('create-user', C1);
      const nextId = await world.add('create-user', { clientId: 'c-2' });
      world.start();
      await world.runEnds();
      // It is left as it is, and the worker goes on.
      expect(await world.runEnds()).toMatchObject({ jobId: nextId });
      expect(await world.jobs.getJobState(jobId)).toBe('active');
      expect(await world.jobs.getJob(jobId)).toMatchObject({ attemptsMade: 0 });
    },
  );

  it('after a failure of the queue itself waits a second', () => {
    expect(backoffStrategy(1, 'lifecycle', new Error('no'))).toBe(1000);
  });
});

describe('a job that is blocked', () => {
  const blocked = { is: 'blocked', place: 'a user', score: '1', patienceMs: 3_600_000 } as const;

  /** A worker whose first run finds its user taken, and asks then whether it is free by now. */
  async function createBlockedWorld(isFree: (jobId: string) => Promise<boolean>) {
    const world = await createWorkerWorld();
    const { userState } = world.pipeline;
    const begin = userState.begin.bind(userState);
    const begins: Begun[] = [blocked];
    const asked: unknown[] = [];
    world.pipeline.userState = {
      ...userState,
      begin: async (...run) => begins.pop() ?? begin(...run),
      isFree: async (run, { place }) => {
        asked.push([run.jobId, place, await world.jobs.getJobState(run.jobId)]);
        return isFree(run.jobId);
      },
    };
    return { ...world, asked };
  }

  it('sleeps until it is promoted, and then comes before the jobs of an import', async () => {
    const world = await createBlockedWorld(async () => false);
    const jobId = await world.add('create-user', C1, { priority: 7 });
    world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked', blocked } });
    await expect.poll(() => world.asked).toEqual([[jobId, 'a user', 'delayed']]);
    const job = await world.jobs.getJob(jobId);
    expect(job).toMatchObject({ attemptsMade: 0, priority: 0, delay: expect.any(Number) });
    expect(job?.delay).toBeGreaterThan(blocked.patienceMs - 1000);
    await job?.promote();
    expect(await world.runEnds()).toMatchObject({ jobId, attempt: 1, decision: { next: 'complete' } });
    expect(world.runs).toMatchObject([{ jobId, hasRunBefore: true }]);
  });

  it('goes on at once where its user is free by the time that it sleeps: nobody would promote it', async () => {
    const world = await createBlockedWorld(async () => true);
    await world.add('create-user', C1);
    world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked' } });
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'complete' } });
  });

  it('and removed meanwhile is no fault, also as a job of an import', async () => {
    const world = await createBlockedWorld(async (jobId) => {
      await world.redis.del(`${world.jobs.toKey('')}${jobId}`);
      return true;
    });
    const { userState } = world.pipeline;
    const begin = userState.begin.bind(userState);
    world.pipeline.userState.begin = async (run, ...more) => {
      if (run.jobId === 'removed') await world.redis.del(`${world.jobs.toKey('')}removed`);
      return begin(run, ...more);
    };
    await world.add('create-user', C1, { priority: 7, jobId: 'removed' });
    const next = await world.add('create-user', { clientId: 'c-2' }, { priority: 8 });
    const worker = world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked' } });
    expect(await world.runEnds()).toMatchObject({ jobId: next, decision: { next: 'complete' } });
    await worker.close(10_000);
    expect(world.errors).toEqual([]);
  });

  it('and promoted by somebody else meanwhile runs once', async () => {
    const world = await createBlockedWorld(async (jobId) => {
      await (await world.jobs.getJob(jobId))?.promote();
      return true;
    });
    await world.add('create-user', C1);
    const worker = world.start();
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'blocked' } });
    expect(await world.runEnds()).toMatchObject({ decision: { next: 'complete' } });
    await worker.close(10_000);
    expect([world.runs.length, world.errors]).toEqual([1, []]);
  });
});

it('a job that a circuit holds sleeps for an hour or two, unless it is promoted', async () => {
  const world = await createWorkerWorld({ begins: { is: 'held', circuit: 'damoov' } });
  const jobId = await world.add('create-user', C1);
  world.start();
  await world.runEnds();
  await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
  const { delay = 0 } = (await world.jobs.getJob(jobId)) ?? {};
  expect(delay).toBeGreaterThan(3_590_000);
  expect(delay).toBeLessThanOrEqual(7_200_000);
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
