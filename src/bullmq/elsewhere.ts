/**
 * What BullMQ answers for a job that is gone or elsewhere: removed, moved on, or another run's by now.
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

/** A job of which nothing is known but its id. */
export function handleOf(jobs: Queue, jobId: string): Job {
  return new Job(jobs, '', {}, {}, jobId);
}

/** Has a delayed job carried out now. False if it is not delayed. */
export async function promoteJob(jobs: Queue, jobId: string): Promise<boolean> {
  return unlessElsewhere(handleOf(jobs, jobId).promote());
}
