/**
 * Fetches jobs and passes them to the processor; starts and stops the worker and returns unfinished jobs.
 */
import type { Telemetry } from 'bullmq';
import { TextJobWorker } from './protected-members.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { stopWorker } from './stop-worker.ts';
import type { Pipeline } from '../lifecycle/delivery.ts';
import { backoffStrategy, processJob } from './processor.ts';

export interface WorkerOptions {
  connection: RedisConnection;
  prefix: string;
  /** Maximum number of parallel requests to Damoov. */
  concurrency: number;
  /** Duration of a job's lock without renewal, in milliseconds; longer than any single request. */
  lockMs: number;
  /** Traces each job. Default: none. */
  telemetry?: Telemetry | undefined;
  /** No job is taken before this resolves. Default: at once. */
  startsAfter?: Promise<void> | undefined;
  /** Called for faults of the queue itself, not of a job. */
  onError: (error: Error) => void;
}

export interface RunningWorker {
  /**
   * Stops taking jobs, lets active ones finish, returns unfinished ones after the grace period. Always resolves, even if Redis is away.
   * @param graceMs how long active jobs may take, in milliseconds.
   * @param giveBackMs how long returning jobs may take after that, in milliseconds.
   */
  close(graceMs: number, giveBackMs?: number): Promise<void>;
}

/** A worker takes more jobs than parallel requests, so that jobs waiting for Redis delay no request. */
const JOBS_PER_REQUEST = 1.3;

/** Completed jobs are kept for an hour, for callers that wait for a result; events last longer. */
const KEEP_COMPLETED = { age: 3600, count: 10_000 };

/** Failed jobs are kept for 14 days. */
const KEEP_FAILED = { age: 14 * 24 * 3600 };

/** Starts to work on the pipeline's queue. */
export function startWorker(pipeline: Pipeline, options: WorkerOptions): RunningWorker {
  const { connection, prefix, concurrency, lockMs, telemetry, startsAfter, onError } = options;
  let inFlight = 0;
  const worker: TextJobWorker = new TextJobWorker(
    pipeline.jobsQueue,
    // Three parameters without defaults: BullMQ passes a signal only if it counts three.
    async (job, token, signal) => {
      inFlight += 1;
      try {
        // `processedOn` is our own clock at the time of the fetch.
        const fetchedAt = performance.now() - Math.max(0, Date.now() - (job.processedOn ?? 0));
        const hold = {
          mayKeepName: worker.mayKeepName(job),
          tooLargeBytes: worker.tooLargeBytesOf(job),
          isFresh: () => performance.now() - fetchedAt < lockMs,
          isHeldByChild: await worker.isHeldByChild(job),
          flowTimestamp: await worker.flowTimestampOf(job),
          signal: signal ?? new AbortController().signal,
        };
        return await processJob(job, token ?? '', hold, pipeline);
      } finally {
        inFlight -= 1;
      }
    },
    {
      connection,
      prefix,
      concurrency: Math.floor(concurrency * JOBS_PER_REQUEST),
      lockDuration: lockMs,
      lockRenewTime: lockMs / 4,
      // A job stalls if its worker died: that is not the job's fault, however often it happens.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      stalledInterval: lockMs / 2,
      removeOnComplete: KEEP_COMPLETED,
      removeOnFail: KEEP_FAILED,
      settings: { backoffStrategy },
      autorun: startsAfter === undefined,
      ...(telemetry !== undefined && { telemetry }),
    },
  );
  worker.on('error', onError);
  void startsAfter?.then(
    () => (worker.closing === undefined ? worker.run().catch(onError) : undefined),
    // The owner of the promise reports the reason: this worker takes no job.
    () => {},
  );
  // Another worker may have the job by now: this run must send nothing more.
  worker.on('lockRenewalFailed', (jobIds) => jobIds.forEach((id) => worker.cancelJob(id, 'lock lost')));

  return {
    async close(graceMs, giveBackMs) {
      const isAway = connection.status !== 'ready';
      await stopWorker(worker, isAway && inFlight === 0 ? 0 : graceMs, giveBackMs);
    },
  };
}
