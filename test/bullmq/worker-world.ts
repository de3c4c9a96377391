/** A worker on a queue of its own in the real Redis; what its jobs do lies in memory. */
import { randomUUID } from 'node:crypto';
import { type JobsOptions, Queue, type Telemetry } from 'bullmq';
import { expect, inject, onTestFinished } from 'vitest';
import type { OperationContext } from '../../src/operations/context.ts';
import { connectRedis } from '../../src/redis/connection.ts';
import type { RunReport } from '../../src/lifecycle/delivery.ts';
import type { Run } from '../../src/lifecycle/ports/user-state.ts';
import { startWorker } from '../../src/bullmq/worker.ts';
import { type PipelineWorldOptions, createPipelineWorld } from '../lifecycle/pipeline-world.ts';

export const C1 = { clientId: 'c-1' };

interface WorkerWorldOptions extends PipelineWorldOptions {
  lockMs?: number;
  concurrency?: number;
  /** Where the worker reaches Redis. */
  redisUrl?: string;
  telemetry?: Telemetry;
}

type CreateOptions = Parameters<OperationContext['client']['createUser']>[2];

export async function createWorkerWorld(options: WorkerWorldOptions = {}) {
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
