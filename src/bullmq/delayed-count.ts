/**
 * Counts the delayed jobs that are due soon, among any number that are not: a deferred deletion may be due in a month.
 */
import type { Queue } from 'bullmq';
import { type StoredJob, readJob } from './read-job.ts';

/**
 * How many delayed jobs are due before then, in epoch milliseconds. BullMQ keeps them in the order in which they are due, so a few of them
 * tell; where a job's own fields do not tell exactly when it is due, the count is about right.
 */
export async function countDueBefore(jobs: Queue, atMs: number): Promise<number> {
  let [low, high] = [0, await jobs.getDelayedCount()];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [jobId] = await jobs.getRanges(['delayed'], middle, middle, true);
    const job = jobId === undefined ? undefined : await readJob(jobs, jobId);
    if (job !== undefined && dueMsOf(job) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * When a delayed job is due, in epoch milliseconds: its delay counts from when it was added, or from when it was last taken; how long that
 * run took is not kept. Later than that if somebody has moved it since.
 */
export function dueMsOf({ timestamp, processedOn, delay = 0 }: StoredJob): number {
  return (processedOn ?? timestamp) + delay;
}
