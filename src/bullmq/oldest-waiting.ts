/**
 * Finds the oldest of the jobs that are next in line. The cost does not grow with the number of jobs.
 */
import type { Queue } from 'bullmq';
import { timeFault } from '../contract/timestamp-fault.ts';
import { type StoredJob, readStoredJob } from './read-job.ts';

/** More priorities than clients use at once. */
const MOST_PRIORITIES = 100;

/**
 * Returns a reader of the time at which the oldest job was added or due, in epoch milliseconds; undefined if no job waits.
 * @param addedAt when a job was added, if its own timestamp does not show it.
 */
export function createOldestWaiting(
  jobs: Queue,
  addedAt: (jobId: string) => Promise<number | undefined> = async () => undefined,
): () => Promise<number | undefined> {
  return async () => {
    const times: number[] = [];
    for (const { jobId, job } of await nextInLine(jobs)) {
      const since = (await addedAt(jobId)) ?? sinceOf(job);
      // Skip an impossible time: a worker will refuse the job.
      if (timeFault(since, Date.now()) === undefined) times.push(since);
    }
    return times.length === 0 ? undefined : Math.min(...times);
  };
}

interface Next {
  jobId: string;
  job: StoredJob | undefined;
}

/** The next job of those without a priority, and the next of each priority. */
async function nextInLine(jobs: Queue): Promise<Next[]> {
  const look = async (state: 'waiting' | 'prioritized', rank: number): Promise<Next | undefined> => {
    const [jobId] = await jobs.getRanges([state], rank, rank, true);
    return jobId === undefined ? undefined : { jobId, job: await readStoredJob(jobs, jobId) };
  };
  const found: Next[] = [];
  const first = await look('waiting', 0);
  if (first !== undefined) found.push(first);
  for (let rank = 0; found.length < MOST_PRIORITIES;) {
    const next = await look('prioritized', rank);
    if (next === undefined) break;
    found.push(next);
    // BullMQ sorts them by priority and counts the jobs of each.
    const { priority } = next.job ?? {};
    const counts = priority === undefined ? {} : await jobs.getCountsPerPriority([priority]);
    rank += Math.max(1, counts[String(priority)] ?? 0);
  }
  return found;
}

/** Another client may have written anything into the options. */
function sinceOf(job: StoredJob | undefined): number {
  if (job === undefined) return NaN;
  const delay: unknown = job.opts.delay;
  return job.timestamp + (typeof delay === 'number' ? delay : 0);
}
