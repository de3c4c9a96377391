import { randomUUID } from 'node:crypto';
import { Job, type JobsOptions, Queue, type Telemetry } from 'bullmq';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import type { OperationContext } from '../../src/operations/context.ts';
import { createPublisher } from '../../src/events/publisher.ts';
import { type RedisConnection, connectRedis } from '../../src/redis/connection.ts';
import { createGates } from '../../src/redis/gates/gates.ts';
import { createUserLedger } from '../../src/redis/ledger/user-ledger.ts';
import type { RunReport } from '../../src/worker/delivery.ts';
import type { Run } from '../../src/worker/user-ledger.ts';
import { backoffStrategy } from '../../src/worker/processor.ts';
import { startWorker } from '../../src/worker/worker.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { A } from '../operations/operation-world.ts';
import { type PipelineWorldOptions, createPipelineWorld } from './pipeline-world.ts';

interface WorkerWorldOptions extends PipelineWorldOptions {
  lockMs?: number;
  timeoutMs?: number;
  concurrency?: number;
  /** Where the worker reaches Redis. */
  redisUrl?: string;
  telemetry?: Telemetry;
  /** Settles in a real Redis, where a job can complete in that same step. */
  isSettledInRedis?: boolean;
}

type CreateOptions = Parameters<OperationContext['client']['createUser']>[2];

/** A worker on a queue of its own in the real Redis; what its jobs do lies in memory. */
async function createWorkerWorld(options: WorkerWorldOptions = {}) {
  const { lockMs = 30_000, timeoutMs = 1000, concurrency = 1, redisUrl = inject('redisUrl') } = options;
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
  if (options.isSettledInRedis === true) pipeline.ledger = ledgerIn(prefix, jobs, redis, lockMs);
  const { ledger } = pipeline;
  const begin = ledger.begin.bind(ledger);
  pipeline.ledger = {
    ...ledger,
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

  const completed: (readonly string[])[] = [];
  const errors: Error[] = [];
  const connection = connectRedis({ kind: 'url', url: redisUrl });
  onTestFinished(() => connection.disconnect());
  const start = () => {
    const worker = startWorker(pipeline, {
      connection,
      prefix,
      concurrency,
      lockMs,
      timeoutMs,
      telemetry: options.telemetry,
      onCompleted: (jobIds) => void completed.push(jobIds),
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
    completed,
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
    /** The end of the next run that nobody has asked for yet. */
    runEnds: () =>
      new Promise<RunReport>((resolve) => {
        const report = ends.reports.shift();
        if (report === undefined) ends.waiting.push(resolve);
        else resolve(report);
      }),
  };
}

function ledgerIn(prefix: string, jobs: Queue, redis: RedisConnection, lockMs: number) {
  const probes = { firstMs: 1000, lastMs: 1000 };
  const gates = createGates({
    prefix,
    jobs,
    lockMs,
    fingerprints: new Map(),
    probes: { credential: probes, outage: probes },
    onChange: () => {},
  });
  const publisher = createPublisher(redis, prefix, ['user-events']);
  onTestFinished(() => publisher.close());
  return createUserLedger({ prefix, jobs, gates, lockMs, prepareEvent: (event) => publisher.prepare(event) });
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
  it('is run as what lies in Redis, by the token of its lock', async () => {
    const world = await createWorkerWorld();
    const jobId = await world.add('create-user', C1, { attempts: 1 });
    world.holdCreates();
    world.start();
    const { options, end } = await world.create(1);
    expect(options?.maySend?.()).toBe(true);
    const { timestamp } = (await world.jobs.getJob(jobId)) ?? {};
    const token = await world.redis.get(world.lockOf(jobId));
    expect(world.runs).toMatchObject([{ jobId, timestamp, token, stalls: 0 }]);
    end();
    expect(await world.runEnds()).toMatchObject({ jobId, attempt: 1, verdict: { next: 'complete' } });
  });

  it('keeps nobody from the next one if its data is no JSON', async () => {
    const world = await createWorkerWorld();
    const broken = await world.add('create-user', C1);
    await world.redis.hset(world.lockOf(broken).replace(/:lock$/, ''), 'data', '{"clientId":');
    const next = await world.add('create-user', C1);
    world.start();
    const invalid = { next: 'fail', reason: expect.stringContaining('not JSON') };
    expect(await world.runEnds()).toMatchObject({ jobId: broken, verdict: invalid });
    expect(await world.runEnds()).toMatchObject({ jobId: next, verdict: { next: 'complete' } });
  });

  it('and is far too large is refused by its size, and nothing of it is kept', async () => {
    const world = await createWorkerWorld();
    const text = JSON.stringify({ clientId: 'c-1', profile: { firstName: 'x'.repeat(2_000_000) } });
    const jobId = await world.add('create-user', JSON.parse(text) as object);
    world.start();
    const message = `the data is ${text.length} bytes, more than the 65536 allowed`;
    expect(await world.runEnds()).toMatchObject({
      jobId,
      verdict: { outcome: { code: 'invalid-job', message } },
    });
    const [settled] = world.aside;
    expect(JSON.parse(settled?.settlement.remains.data ?? '')).toBe(`${message}: it is not kept`);
    expect(settled?.whose).toBeUndefined();
  });

  it('and has a name that is far too long is refused, and nothing of the name is kept', async () => {
    const world = await createWorkerWorld();
    await world.add('x'.repeat(2_000_000), C1);
    world.start();
    const message = expect.stringContaining('unknown job name');
    expect(await world.runEnds()).toMatchObject({ verdict: { outcome: { code: 'invalid-job', message } } });
    expect(world.aside[0]?.settlement.remains.data.length).toBeLessThan(500);
  });

  it('and was deferred says in its receipt when it was due', async () => {
    const world = await createWorkerWorld();
    await world.add('delete-user', { userId: A }, { delay: 1 });
    world.start();
    const receipt = { scheduledFor: expect.any(String) };
    expect(await world.runEnds()).toMatchObject({ verdict: { event: { data: { receipt } } } });
  });

  it('and was added with a negative delay was not deferred, and says no such thing', async () => {
    const world = await createWorkerWorld();
    await world.add('delete-user', { userId: A }, { delay: -5000 });
    world.start();
    expect(await world.runEnds()).toMatchObject({
      verdict: {
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
    expect(await world.runEnds()).toMatchObject({ verdict: { outcome: { code: 'invalid-job', message } } });
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
  it('is told of when the worker stops at the latest, if it was completed after it was settled', async () => {
    const world = await createWorkerWorld();
    const jobId = await world.add('create-user', C1);
    const worker = world.start();
    await world.runEnds();
    await expect.poll(() => world.jobs.getCompletedCount()).toBe(1);
    await worker.close(10_000);
    expect(world.completed.flat()).toEqual([jobId]);
    expect(await world.jobs.getJob(jobId)).toMatchObject({ returnvalue: { jobId, clientId: 'c-1' } });
  });

  it('is not told of if it completed in the step that settled it', async () => {
    const world = await createWorkerWorld({ isSettledInRedis: true });
    await world.add('create-user', C1);
    const worker = world.start();
    expect(await world.runEnds()).toMatchObject({ verdict: { next: 'complete' } });
    await expect.poll(() => world.jobs.getCompletedCount()).toBe(1);
    await worker.close(10_000);
    expect(world.completed.flat()).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  it('fails for good at once if its verdict says so', async () => {
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
    const { verdict } = await world.runEnds();
    const delayMs = verdict.next === 'retry' ? verdict.delayMs : Number.NaN;
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    expect(await world.jobs.getJob(jobId)).toMatchObject({ delay: Math.max(1, delayMs), attemptsMade: 1 });
  });

  it('and only waits has spent none', async () => {
    const world = await createWorkerWorld();
    world.damoov.fails('create', 'rate-limited', { status: 429 });
    const jobId = await world.add('create-user', C1);
    world.start();
    expect(await world.runEnds()).toMatchObject({ verdict: { next: 'wait' } });
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

describe('the lock of a job', () => {
  /** Leaves a tenth of a second in which a request may be sent; renewed every quarter of a second. */
  const NARROW = { lockMs: 1000, timeoutMs: 900 };

  it('lets a request be sent only while it outlives the deadline, and again once it is renewed', async () => {
    const world = await createWorkerWorld(NARROW);
    await world.add('create-user', C1);
    world.holdCreates();
    world.start();
    const { options, end } = await world.create(1);
    for (const may of [false, true, false, true])
      await expect.poll(() => options?.maySend?.(), { interval: 5 }).toBe(may);
    end();
    expect(await world.runEnds()).toMatchObject({ verdict: { next: 'complete' } });
  });

  it('that is lost ends the run at its next step, which may send nothing more', async () => {
    const world = await createWorkerWorld({ ...NARROW, concurrency: 2 });
    const jobId = await world.add('create-user', C1);
    world.holdCreates();
    world.start();
    const { options, end } = await world.create(1);
    const { promise: stopped, resolve } = Promise.withResolvers<boolean | undefined>();
    options?.signal?.addEventListener('abort', () => resolve(options.maySend?.()));
    await world.redis.del(world.lockOf(jobId));
    expect(await stopped).toBe(false);
    end();
    await expect.poll(() => world.errors.map(String)).toContainEqual(expect.stringContaining('lock'));
  });
});

describe('the lock of a job that is being completed', () => {
  const NARROW = { lockMs: 1000, timeoutMs: 900 };
  type Prepared = (jobId: string) => Promise<void>;

  /** A worker whose jobs prepare their completion as they are settled. */
  const createCompletingWorld = (prepared: Prepared) =>
    createWorkerWorld({
      ...NARROW,
      concurrency: 2,
      async onSettle({ completion, event }) {
        completion?.prepare(event.data);
        await prepared(event.data.jobId);
      },
    });

  it('is gone without being lost', async () => {
    const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>();
    const world = await createCompletingWorld(async (jobId) => {
      await world.redis.del(world.lockOf(jobId));
      await goesOn;
    });
    world.holdCreates();
    await world.add('create-user', C1);
    world.start();
    const completing = await world.create(1);
    completing.end();
    await expect.poll(() => world.steps).toContain('settle');
    await world.add('create-user', { clientId: 'c-2' });
    const other = await world.create(2);
    // Within two renewals of another lock this one was to be renewed as well.
    for (const may of [false, true, false, true])
      await expect.poll(() => other.options?.maySend?.(), { interval: 5 }).toBe(may);
    expect(completing.options?.signal?.aborted).toBe(false);
    other.end();
    goOn();
  });

  it('is looked after again if that failed and the job has come again', async () => {
    const world = await createCompletingWorld(() => Promise.reject(new Error('Connection is closed.')));
    world.holdCreates();
    const jobId = await world.add('create-user', C1);
    world.start();
    (await world.create(1)).end();
    expect(await world.runEnds()).toMatchObject({ verdict: { next: 'wait', isFault: true } });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    await (await world.jobs.getJob(jobId))?.promote();
    const { options } = await world.create(2);
    await world.redis.del(world.lockOf(jobId));
    await expect.poll(() => options?.signal?.aborted).toBe(true);
  });
});

describe('a worker that stops', () => {
  it('lets the job in flight finish, and leaves the next one to others', async () => {
    const world = await createWorkerWorld({ isSettledInRedis: true });
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
