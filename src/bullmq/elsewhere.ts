/**
 * Interprets BullMQ's answers for a job that was removed, moved to another state or taken by another run.
 */
import { ErrorCode, Job, type Queue } from 'bullmq';

const ELSEWHERE: ReadonlySet<unknown> = new Set([
  ErrorCode.JobNotExist,
  ErrorCode.JobNotInState,
  ErrorCode.JobLockNotExist,
  ErrorCode.JobLockMismatch,
  // BullMQ makes such a job anew itself.
  ErrorCode.JobBelongsToJobScheduler,
]);

/** Whether BullMQ has done it; false if the job is gone or elsewhere. */
export async function unlessElsewhere(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ELSEWHERE.has(error.code)) return false;
    throw error;
  }
}

/** A job known only by its id. */
export function handleOf(jobs: Queue, jobId: string): Job {
  return new Job(jobs, '', {}, {}, jobId);
}

/** Promotes a delayed job. False if it is not delayed. */
export async function promoteJob(jobs: Queue, jobId: string): Promise<boolean> {
  return unlessElsewhere(handleOf(jobs, jobId).promote());
}
