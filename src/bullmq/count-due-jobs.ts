/**
 * Counts the delayed jobs that are due soon, among any number that are not: a deferred deletion may be due in a month.
 */
import type { Queue } from 'bullmq';
import { type StoredJob, readStoredJob } from './read-job.ts';

/**
 * Counts the delayed jobs that are due before a time in epoch milliseconds. BullMQ sorts them by due time, so a few reads suffice. If the
 * due time of a job cannot be computed exactly, the count is approximate.
 */
export async function countDueBefore(jobs: Queue, atMs: number): Promise<number> {
  let [low, high] = [0, await jobs.getDelayedCount()];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [jobId] = await jobs.getRanges(['delayed'], middle, middle, true);
    const job = jobId === undefined ? undefined : await readStoredJob(jobs, jobId);
    if (job !== undefined && dueMsOf(job) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * When a delayed job is due, in epoch milliseconds: its delay counts from when it was added, or from when it was last taken; how long that
 * run took is not kept. It is later if the job was rescheduled.
 */
export function dueMsOf({ timestamp, processedOn, delay = 0 }: StoredJob): number {
  return (processedOn ?? timestamp) + delay;
}
