/**
 * Since when the job waits that has waited longest, of those that are next in line. Its cost does not grow with the number of jobs.
 */
import type { Queue } from 'bullmq';
import { timeFault } from '../contract/job-times.ts';
import { type StoredJob, readJob } from './read-job.ts';

/** Clients hardly use so many priorities at once. */
const MOST_PRIORITIES = 100;

/**
 * Returns how to ask, in epoch milliseconds: added, or due, then. Undefined if no job waits.
 * @param addedAt when a job was added, if something else than the job itself knows.
 */
export function createOldestWaiting(
  jobs: Queue,
  addedAt: (jobId: string) => Promise<number | undefined> = async () => undefined,
): () => Promise<number | undefined> {
  return async () => {
    const times: number[] = [];
    for (const { jobId, job } of await nextInLine(jobs)) {
      const since = (await addedAt(jobId)) ?? sinceOf(job);
      // A time that no worker believes is no age: the job will be refused.
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
    return jobId === undefined ? undefined : { jobId, job: await readJob(jobs, jobId) };
  };
  const found: Next[] = [];
  const first = await look('waiting', 0);
  if (first !== undefined) found.push(first);
  for (let rank = 0; found.length < MOST_PRIORITIES;) {
    const next = await look('prioritized', rank);
    if (next === undefined) break;
    found.push(next);
    // BullMQ has them in the order of their priority, and tells how many there are of one.
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
