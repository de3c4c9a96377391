/**
 * Takes jobs off the queue and hands them to the processor; starts, stops and gives back. Knows nothing of what a job
 * does.
 */
import { DelayedError, Job, type JobJson, type Span, type Telemetry, Worker } from 'bullmq';
import type { EventData } from '../contract/event.ts';
import { MAX_JOB_BYTES } from '../contract/job.ts';
import {
  type CompletingBackend,
  KEEP_COMPLETED,
  createCompletingBackend,
} from '../redis/completing-backend.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { isRedisFault } from '../redis/refusal.ts';
import { stopWorker } from '../redis/stop-worker.ts';
import type { Completion } from './completion.ts';
import type { Pipeline } from './delivery.ts';
import { type TextJob, backoffStrategy, processJob } from './processor.ts';

export interface WorkerOptions {
  connection: RedisConnection;
  prefix: string;
  /** Jobs in flight at once. */
  concurrency: number;
  /** How long a job stays ours without a sign of life, in milliseconds; must outlive every single request. */
  lockMs: number;
  /** The deadline of one request, in milliseconds: none is sent that might outlive the lock. */
  timeoutMs: number;
  /** Follows each job. Default: nobody does. */
  telemetry?: Telemetry | undefined;
  /** No job is taken before that. Default: at once. */
  startsAfter?: Promise<void> | undefined;
  /** Told of jobs that have completed some time after they were settled, some at a time. */
  onCompleted: (jobIds: readonly string[]) => void;
  /** Told of faults of the queue itself, as opposed to a job's. */
  onError: (error: Error) => void;
}

export interface RunningWorker {
  /**
   * Stops taking jobs, lets those in flight finish, gives back what does not within the grace. Always resolves, also
   * while Redis is away.
   * @param graceMs how long jobs in flight may take, in milliseconds.
   * @param giveBackMs how long giving back may take after that, in milliseconds.
   */
  close(graceMs: number, giveBackMs?: number): Promise<void>;
}

/** Failed jobs are kept for 14 days. */
const KEEP_FAILED = { age: 14 * 24 * 3600 };

/**
 * The longest text that is handled, in characters: a job of the largest size that is allowed, sealed. Sealing spells it as JSON
 * within JSON, with up to six characters for one, and then as base64.
 */
export const LONGEST_TEXT = 8 * MAX_JOB_BYTES + 4096;
/** No job of ours has such a name, and it is sealed like the data. */
const LONG_NAME = /^.{256}/s;

const MOST_ANCESTORS = 100;

/** What another client has added may be unreadable; that Redis refuses is another thing. */
function unlessRedis(error: unknown): undefined {
  if (isRedisFault(error)) throw error;
}

/** Leaves a job's data as the text it is: BullMQ's own parse would throw in the fetch, and the job would never end. */
class TextJobWorker extends Worker<string, EventData, string, CompletingBackend> {
  /** Since when each lock held for certain, by job, on the monotonic clock. */
  readonly #lockedAt = new Map<string, number>();
  /** Jobs that are being completed: to find their lock gone is no loss. */
  readonly #completing = new Set<string>();
  /** Whether the next job is wanted when this one completes. */
  readonly #fetchesNext = new WeakMap<TextJob, () => boolean>();
  /** Jobs that BullMQ has marked as failed before they run. */
  readonly #failedByChild = new WeakSet<TextJob>();

  /** The size of data that was let go of at once, whatever the queue holds of it: several times that may not fit into memory. */
  readonly #tooLarge = new WeakMap<TextJob, number>();

  protected override createJob(json: JobJson, jobId: string): TextJob {
    // To take a job makes anew what Redis has lost of it: that it was taken, and nothing that was added.
    const isGone = json.name === undefined;
    const name = isGone ? '' : LONG_NAME.test(json.name) ? 'unknown' : json.name;
    const job = super.createJob({ ...json, name, data: 'null' }, jobId);
    const isTooLarge = !isGone && json.data.length > LONGEST_TEXT;
    job.data = isGone || isTooLarge ? '' : json.data;
    if (isTooLarge) this.#tooLarge.set(job, Buffer.byteLength(json.data));
    return job;
  }

  tooLargeBytesOf(job: TextJob): number | undefined {
    return this.#tooLarge.get(job);
  }

  /** The lock counts from before it was asked for: a process may be frozen between the answer and its arrival. */
  override async extendJobLocks(jobIds: string[], tokens: string[], durationMs: number): Promise<string[]> {
    const askedAt = performance.now();
    const lost = new Set(await super.extendJobLocks(jobIds, tokens, durationMs));
    for (const id of jobIds) if (this.#lockedAt.has(id) && !lost.has(id)) this.#lockedAt.set(id, askedAt);
    return [...lost].filter((id) => !this.#completing.has(id));
  }

  override async processJob(
    job: TextJob,
    token: string,
    fetchesNext = () => true,
  ): ReturnType<Worker<string, EventData, string, CompletingBackend>['processJob']> {
    this.#fetchesNext.set(job, fetchesNext);
    // BullMQ would fail it here without asking anybody: nothing would be told of it, and its data stay as they are.
    if (job.deferredFailure) this.#failedByChild.add(job);
    job.deferredFailure = '';
    return super.processJob(job, token, fetchesNext);
  }

  /**
   * A job that Redis refuses to move on is left as it is, until its lock has run out and it is taken again. BullMQ would charge it an
   * attempt, and fail it with the last one.
   */
  protected override async handleFailed(
    error: Error,
    job: TextJob,
    token: string,
    fetchesNext?: () => boolean,
    span?: Span,
  ): Promise<TextJob> {
    const told = isRedisFault(error) ? new DelayedError('Redis refuses') : error;
    return super.handleFailed(told, job, token, fetchesNext, span);
  }

  /** Whether a job that this one depends on, its child in a flow, keeps it from completing. */
  async isHeldByChild(job: TextJob): Promise<boolean> {
    if (this.#failedByChild.has(job)) return true;
    // One that was put back after that is carried out like any other, and BullMQ only then does not let it complete.
    const hasFailed = (job.stacktrace ?? []).length > 0;
    if (!hasFailed) return false;
    const counts = await job.getDependenciesCount({ failed: true, unprocessed: true }).catch(() => ({}));
    return Object.values(counts).some((count) => count > 0);
  }

  /** When the flow was added that this job is a part of: its parent waits for it, and was made a moment before it. */
  async flowTimestampOf({ parent, timestamp }: TextJob): Promise<number | undefined> {
    let earliest: number | undefined;
    for (let next = parent, depth = 0; next?.id !== undefined && depth < MOST_ANCESTORS; depth += 1) {
      // A parent in another queue has no version that could be older.
      if (next.queueKey !== this.qualifiedName) break;
      const ancestor = await Job.fromId<unknown>(this, next.id).catch(unlessRedis);
      if (ancestor === undefined) break;
      earliest = Math.min(earliest ?? timestamp, ancestor.timestamp);
      next = ancestor.parent;
    }
    return earliest;
  }

  /** How this job can complete at once when it is settled. */
  completionOf(job: TextJob, token: string): Completion {
    const fetchesNext = () =>
      (this.#fetchesNext.get(job)?.() ?? true) && this.closing === undefined && !this.isPaused();
    const completion = this.backend.completionOf(job, token, fetchesNext);
    return {
      ...completion,
      prepare: (data) => {
        this.#completing.add(job.id ?? '');
        return completion.prepare(data);
      },
    };
  }

  /** Follows the lock of a job while it runs. */
  async whileLocked(
    job: TextJob,
    run: (lockedForMs: () => number) => Promise<EventData>,
  ): Promise<EventData> {
    const id = job.id ?? '';
    // `processedOn` is our own clock as it was when the job was asked for.
    this.#lockedAt.set(id, performance.now() - Math.max(0, Date.now() - (job.processedOn ?? 0)));
    try {
      return await run(() => performance.now() - (this.#lockedAt.get(id) ?? -Infinity));
    } finally {
      this.#lockedAt.delete(id);
      this.#completing.delete(id);
    }
  }
}

/** Starts to work on the pipeline's queue. */
export function startWorker(pipeline: Pipeline, options: WorkerOptions): RunningWorker {
  const { connection, prefix, concurrency, lockMs, timeoutMs, telemetry, startsAfter, onError } = options;
  let inFlight = 0;
  const worker: TextJobWorker = new TextJobWorker(
    pipeline.jobsQueue,
    // All three parameters without a default: BullMQ hands out a signal only where it counts three.
    async (job, token, signal) => {
      inFlight += 1;
      try {
        return await worker.whileLocked(job, async (lockedForMs) => {
          const maySend = () => lockedForMs() + timeoutMs <= lockMs;
          const completion = worker.completionOf(job, token ?? '');
          const isHeldByChild = await worker.isHeldByChild(job);
          const flowTimestamp = await worker.flowTimestampOf(job);
          const hold = {
            tooLargeBytes: worker.tooLargeBytesOf(job),
            maySend,
            completion,
            isHeldByChild,
            flowTimestamp,
            signal: signal ?? new AbortController().signal,
          };
          return processJob(job, token ?? '', hold, pipeline);
        });
      } finally {
        inFlight -= 1;
      }
    },
    {
      connection,
      prefix,
      concurrency,
      lockDuration: lockMs,
      // Often enough that a request with its whole deadline nearly always fits into what is left.
      lockRenewTime: lockMs / 4,
      // A job that stalls is one whose worker died: that is no fault of the job, however often it happens.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      stalledInterval: lockMs / 2,
      removeOnComplete: KEEP_COMPLETED,
      removeOnFail: KEEP_FAILED,
      settings: { backoffStrategy },
      autorun: startsAfter === undefined,
      ...(telemetry !== undefined && { telemetry }),
    },
    createCompletingBackend,
  );
  worker.on('error', onError);
  void startsAfter?.then(
    () => (worker.closing === undefined ? worker.run().catch(onError) : undefined),
    // Whoever made the promise knows why: this worker takes no job.
    () => {},
  );
  // Another worker may have the job by now: whatever this one still had in mind must not be sent.
  worker.on('lockRenewalFailed', (jobIds) => jobIds.forEach((id) => worker.cancelJob(id, 'lock lost')));

  collect(worker, options.onCompleted);

  return {
    async close(graceMs, giveBackMs) {
      const isAway = connection.status !== 'ready';
      await stopWorker(worker, isAway && inFlight === 0 ? 0 : graceMs, giveBackMs);
    },
  };
}

/** How long completed jobs are collected, in milliseconds. */
const COLLECT_MS = 1000;

/** One word for many jobs: each costs less than a call. */
function collect(worker: TextJobWorker, tell: (jobIds: readonly string[]) => void): void {
  let jobIds: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const told = jobIds;
    jobIds = [];
    tell(told);
  };
  worker.on('completed', (job) => {
    if (job.id === undefined || worker.backend.hasCompleted(job)) return;
    jobIds.push(job.id);
    timer ??= setTimeout(flush, COLLECT_MS);
  });
  worker.on('closed', flush);
}
