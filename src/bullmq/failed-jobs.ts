/**
 * The failed jobs. What is reported of a job is from closed lists, and the message of our own; no other data of the job leaves this file.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { MAX_JOB_BYTES, type JobName, UNKNOWN, isJobName } from '../contract/job.ts';
import { type FailureCode, failureIn } from '../contract/outcome.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { type FailedSet, createFailedSet } from './failed-set.ts';
import type { StoredJob } from './read-job.ts';

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

export type FailedJobs = FailedSet<FailedJob>;

export interface FailedJobsOptions {
  prefix: string;
  jobs: Queue;
  /** For keys of our own. */
  connection: RedisConnection;
  /** The names of the configured instances. */
  instances: ReadonlySet<string>;
  /** Only jobs that name this user by these ids. Default: all. */
  of?: Ids;
}

interface Ids {
  clientId?: string | undefined;
  userId?: string | undefined;
}

/** How much of a reason is read, in characters: a refusal that names 50 faults is shorter. */
const MOST_REASON = 16 * 1024;

/** The failed jobs of a queue. */
export function createFailedJobs(options: FailedJobsOptions): FailedJobs {
  const { prefix, jobs, connection, instances, of } = options;
  const all = createFailedSet(jobs, {
    describe: (jobId, job) => {
      const { instance = UNKNOWN, ...ids } = job === undefined ? {} : dataIn(job.data);
      return { ...failedJobOf(jobId, job, instances.has(instance) ? instance : UNKNOWN), ids };
    },
    forget: (jobId) => connection.del(`${prefix}:settled:${jobId}`),
  });
  return {
    ...all,
    async *read(span) {
      for await (const page of all.read(span)) {
        yield page.filter(({ ids }) => isOf(ids, of)).map(({ ids: _ids, ...job }): FailedJob => job);
      }
    },
  };
}

function isOf(ids: Ids, { clientId, userId }: Ids = {}): boolean {
  const hasUserId = userId === undefined || ids.userId?.toLowerCase() === userId.toLowerCase();
  return hasUserId && (clientId === undefined || ids.clientId === clientId);
}

/** An unreadable job keeps its id. */
function failedJobOf(jobId: string, job: StoredJob | undefined, instance: string): FailedJob {
  const { name = '', failedReason = '', attemptsMade = 0, finishedOn = NaN, timestamp = NaN } = job ?? {};
  const { code = UNKNOWN, message = '' } = failureIn(failedReason.slice(0, MOST_REASON)) ?? {};
  return {
    jobId,
    operation: isJobName(name) ? name : UNKNOWN,
    instance,
    code,
    message,
    attempts: attemptsMade || 0,
    failedAt: finishedOn,
    addedAt: timestamp || undefined,
  };
}

const id = z.string().optional().catch(undefined);
const Data = z
  .object({ instance: z.string().default('default'), clientId: id, userId: id })
  .catch({ instance: UNKNOWN });

function dataIn(data: string): Ids & { instance?: string } {
  if (data.length > MAX_JOB_BYTES) return {};
  try {
    return Data.parse(JSON.parse(data));
  } catch {
    return {};
  }
}
