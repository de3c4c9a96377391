/**
 * The failed set of a queue: reads it a page at a time, retries its jobs, removes them. Does not know what the jobs are.
 */
import type { Queue } from 'bullmq';
import { handleOf, unlessElsewhere } from './elsewhere.ts';
import { type RankedJob, readFailedPages } from './failed-pages.ts';
import { type StoredJob, fewAtATime, readStoredJob } from './read-job.ts';

export interface FailedSet<Failed extends RankedJob> {
  /** When the last of them failed, in epoch milliseconds; undefined if none did. */
  newest(): Promise<number | undefined>;
  /**
   * The jobs that failed within these times, in epoch milliseconds, both included; oldest first, up to 200 at a time. Jobs may be
   * retried and dropped meanwhile: none is returned twice, and none that stays is left out.
   */
  read(span: { since?: number; upTo: number }): AsyncIterable<Failed[]>;
  /** The jobs at these ranks, both included, the newest first. Ranks move as jobs fail, are retried and dropped. */
  at(first: number, last: number): Promise<Failed[]>;
  /**
   * Retries jobs: puts them at the end of the queue, with fresh attempts and their old version.
   * @returns how many; the others were retried or removed by others meanwhile.
   */
  retry(jobs: readonly RankedJob[]): Promise<number>;
  /**
   * Removes jobs. A job that is retried in the same millisecond may still be dropped.
   * @returns how many; the others are gone meanwhile.
   */
  drop(jobs: readonly RankedJob[]): Promise<number>;
}

export interface FailedSetOptions<Failed extends RankedJob> {
  /** What is reported of a failed job; `job` is undefined if only its id is left, or it cannot be read. */
  describe: (jobId: string, job: StoredJob | undefined) => Failed;
  /** Forgets how the job ended, before it is retried and after it is dropped. */
  forget?: (jobId: string) => Promise<unknown>;
}

/** How many jobs are read or changed at once: more would use more memory and block Redis longer. */
const AT_ONCE = 50;

export function createFailedSet<Failed extends RankedJob>(
  queue: Queue,
  { describe, forget = async () => {} }: FailedSetOptions<Failed>,
): FailedSet<Failed> {
  const read = async (jobId: string) => {
    const job = await readStoredJob(queue, jobId);
    // It was retried since it was found.
    return job !== undefined && job.finishedOn === undefined ? undefined : describe(jobId, job);
  };
  return {
    async newest() {
      for (let rank = 0; ; rank += 1) {
        const [jobId] = await queue.getRanges(['failed'], rank, rank);
        if (jobId === undefined) return undefined;
        const { failedAt = NaN } = (await read(jobId)) ?? {};
        if (!Number.isNaN(failedAt)) return failedAt;
      }
    },
    async *read({ since = -Infinity, upTo }) {
      const pages = readFailedPages({
        idsAt: (first, last) => queue.getRanges(['failed'], first, last, true),
        readAll: (jobIds) => fewAtATime(jobIds, AT_ONCE, read),
      });
      for await (const page of pages) {
        // A job with only an id has no time: list it unless the span has a start.
        yield page.filter(({ failedAt }) =>
          Number.isNaN(failedAt) ? since <= 0 : since <= failedAt && failedAt <= upTo,
        );
        if (page.some(({ failedAt }) => failedAt > upTo)) return;
      }
    },
    async at(first, last) {
      const jobs = await fewAtATime(await queue.getRanges(['failed'], first, last), AT_ONCE, read);
      return jobs.filter((job) => job !== undefined);
    },
    retry: (seen) =>
      change(queue, seen, async (jobId, job) => {
        // Otherwise the next run would read the last outcome and fail.
        await forget(jobId);
        const { priority = 0 } = job ?? {};
        const handle = handleOf(queue, jobId);
        const anew = { resetAttemptsMade: true, resetAttemptsStarted: true };
        if (!(await unlessElsewhere(handle.retry('failed', anew)))) return false;
        // BullMQ 6.3 puts it in front of all that has a priority.
        return priority === 0 || unlessElsewhere(handle.changePriority({ priority }));
      }),
    drop: (seen) =>
      change(queue, seen, async (jobId) => {
        if ((await queue.remove(jobId, { removeChildren: false })) === 0) return false;
        await forget(jobId);
        return true;
      }),
  };
}

/** Changes only jobs with an unchanged failure time: BullMQ removes it as soon as a job is retried. */
async function change(
  queue: Queue,
  seen: readonly RankedJob[],
  act: (jobId: string, job: StoredJob | undefined) => Promise<boolean>,
): Promise<number> {
  const changed = await fewAtATime(seen, AT_ONCE, async ({ jobId, failedAt }) => {
    const now = await readStoredJob(queue, jobId);
    const isUnchanged = now === undefined ? Number.isNaN(failedAt) : now.finishedOn === failedAt;
    return isUnchanged && act(jobId, now);
  });
  return changed.filter(Boolean).length;
}
