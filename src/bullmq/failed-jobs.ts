/**
 * The failed set as a dead-letter queue: reads its jobs a page at a time, retries them, removes them. What it reports of a job is from
 * closed lists, and the message of our own; no other data of the job leaves this file.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { MAX_JOB_BYTES, type JobName, isJobName } from '../contract/job.ts';
import { type FailureCode, failureIn } from '../contract/outcome.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { handleOf, unlessElsewhere } from './elsewhere.ts';
import { readFailedPages } from './failed-pages.ts';
import { type StoredJob, fewAtATime, readJob } from './read-job.ts';

/** Replaces unknown names: any client may add a job, and any name may be personal data. */
export const UNKNOWN = 'unknown';

export interface FailedJob {
  jobId: string;
  operation: JobName | typeof UNKNOWN;
  /** The name of a configured instance, or `unknown`, also if the data cannot be read. */
  instance: string;
  /** `unknown` if the job was not failed by a worker of ours. */
  code: FailureCode | typeof UNKNOWN;
  /** Empty if the code is unknown: the reason may quote anything. */
  message: string;
  /** How often the job was tried. */
  attempts: number;
  /** Epoch milliseconds; NaN if only the id is left of the job, or it cannot be read. */
  failedAt: number;
  /** Epoch milliseconds; undefined if unknown. */
  addedAt: number | undefined;
}

/** A failure of a job; a job that failed again since is another failure. */
export type SeenFailure = Pick<FailedJob, 'jobId' | 'failedAt'>;

export interface FailedJobs {
  /** When the last of them failed, in epoch milliseconds; undefined if none did. */
  newest(): Promise<number | undefined>;
  /**
   * The jobs that failed within these times, in epoch milliseconds, both included; oldest first, up to 200 at a time. Jobs may be
   * retried and dropped meanwhile: none is returned twice, and none that stays is left out.
   */
  read(span: { since?: number; upTo: number }): AsyncIterable<FailedJob[]>;
  /**
   * Retries jobs: puts them at the end of the queue, with fresh attempts and their old version.
   * @returns how many; the others were retried or removed by others meanwhile.
   */
  retry(jobs: readonly SeenFailure[]): Promise<number>;
  /**
   * Removes jobs and their stored outcomes. A job that is retried in the same millisecond may still be dropped.
   * @returns how many; the others are gone meanwhile.
   */
  drop(jobs: readonly SeenFailure[]): Promise<number>;
}

export interface FailedJobsOptions {
  prefix: string;
  jobs: Queue;
  /** For keys of our own. */
  connection: RedisConnection;
  /** The names of the configured instances. */
  instances: ReadonlySet<string>;
}

/** How many jobs are read or changed at once: more would use more memory and block Redis longer. */
const AT_ONCE = 50;
/** How much of a reason is read, in characters: a refusal that names 50 faults is shorter. */
const MOST_REASON = 16 * 1024;

/** The failed jobs of a queue. */
export function createFailedJobs({ prefix, jobs, connection, instances }: FailedJobsOptions): FailedJobs {
  const readFailure = async (jobId: string) => failedJobOf(jobId, await readJob(jobs, jobId), instances);
  const settledKey = (jobId: string) => `${prefix}:settled:${jobId}`;

  return {
    async newest() {
      for (let rank = 0; ; rank += 1) {
        const [jobId] = await jobs.getRanges(['failed'], rank, rank);
        if (jobId === undefined) return undefined;
        const { failedAt = NaN } = (await readFailure(jobId)) ?? {};
        if (!Number.isNaN(failedAt)) return failedAt;
      }
    },
    async *read({ since = -Infinity, upTo }) {
      const pages = readFailedPages({
        idsAt: (first, last) => jobs.getRanges(['failed'], first, last, true),
        readAll: (jobIds) => fewAtATime(jobIds, AT_ONCE, readFailure),
      });
      for await (const page of pages) {
        // A job with only an id has no time: list it unless the span has a start.
        const found = page.filter(({ failedAt }) =>
          Number.isNaN(failedAt) ? since <= 0 : since <= failedAt && failedAt <= upTo,
        );
        if (found.length > 0) yield found;
        if (page.some(({ failedAt }) => failedAt > upTo)) return;
      }
    },
    retry: (seen) =>
      change(jobs, seen, async (jobId, job) => {
        // Otherwise the next run would read the last outcome and fail.
        await connection.del(settledKey(jobId));
        const { priority = 0 } = job ?? {};
        const handle = handleOf(jobs, jobId);
        const anew = { resetAttemptsMade: true, resetAttemptsStarted: true };
        if (!(await unlessElsewhere(handle.retry('failed', anew)))) return false;
        // BullMQ 6.3 puts it in front of all that has a priority.
        return priority === 0 || unlessElsewhere(handle.changePriority({ priority }));
      }),
    drop: (seen) =>
      change(jobs, seen, async (jobId) => {
        if ((await jobs.remove(jobId, { removeChildren: false })) === 0) return false;
        await connection.del(settledKey(jobId));
        return true;
      }),
  };
}

/** Changes only jobs with an unchanged failure time: BullMQ removes it as soon as a job is retried. */
async function change(
  jobs: Queue,
  seen: readonly SeenFailure[],
  act: (jobId: string, job: StoredJob | undefined) => Promise<boolean>,
): Promise<number> {
  const changed = await fewAtATime(seen, AT_ONCE, async ({ jobId, failedAt }) => {
    const now = await readJob(jobs, jobId);
    const isUnchanged = now === undefined ? Number.isNaN(failedAt) : now.finishedOn === failedAt;
    return isUnchanged && act(jobId, now);
  });
  return changed.filter(Boolean).length;
}

/** Undefined for a job that was retried since it was found; an unreadable job keeps its id. */
function failedJobOf(
  jobId: string,
  job: StoredJob | undefined,
  instances: ReadonlySet<string>,
): FailedJob | undefined {
  if (job !== undefined && job.finishedOn === undefined) return undefined;
  const { name = '', failedReason = '', attemptsMade = 0, finishedOn = NaN, timestamp = NaN } = job ?? {};
  const { code = UNKNOWN, message = '' } = failureIn(failedReason.slice(0, MOST_REASON)) ?? {};
  const instance = job === undefined ? UNKNOWN : instanceIn(job.data);
  return {
    jobId,
    operation: isJobName(name) ? name : UNKNOWN,
    instance: instances.has(instance) ? instance : UNKNOWN,
    code,
    message,
    attempts: attemptsMade || 0,
    failedAt: finishedOn,
    addedAt: timestamp || undefined,
  };
}

const Data = z.object({ instance: z.string().default('default') });

function instanceIn(data: string): string {
  if (data.length > MAX_JOB_BYTES) return UNKNOWN;
  try {
    return Data.safeParse(JSON.parse(data)).data?.instance ?? UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}
