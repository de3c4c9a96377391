/**
 * Other jobs than the one that runs, by BullMQ's public interface: has them run, asks after them, erases what they say.
 */
import { Job, type Queue } from 'bullmq';
import { z } from 'zod';
import { jobIdOf } from '../contract/version.ts';
import { isRedisFault } from '../redis/refusal.ts';
import type { JobQueue } from '../lifecycle/ports/job-queue.ts';
import { SEALED, erased } from '../lifecycle/encryption.ts';

export function createJobQueue(jobs: Queue): JobQueue {
  return {
    async promote(jobId) {
      const job = await read(jobId);
      // One that never ran was given the id of one that is gone: it waits for its own time.
      if (job === undefined || job.attemptsStarted === 0) return 'gone';
      return job.promote().then(
        () => 'promoted' as const,
        (error: unknown) => {
          if (isRedisFault(error)) throw error;
          return job.finishedOn === undefined ? 'elsewhere' : 'gone';
        },
      );
    },
    async isPending(jobId) {
      const job = await read(jobId);
      return job !== undefined && job.finishedOn === undefined;
    },
    async erase(versions) {
      await Promise.all(versions.map((version) => erase(jobIdOf(version))));
    },
  };

  /** What another client has added may be unreadable: such a job is none of those that are asked for. */
  async function read(jobId: string): Promise<Job | undefined> {
    return Job.fromId(jobs, jobId).catch((error: unknown) => {
      if (isRedisFault(error)) throw error;
      return undefined;
    });
  }

  /** One that was put back is on its way to be superseded. */
  async function erase(jobId: string): Promise<void> {
    const job = await read(jobId);
    if (job?.finishedOn === undefined) return;
    const { data, success } = Sealed.safeParse(job.data);
    // The proof stays, as nobody but a worker can have written that.
    if (success) await job.updateData({ ...job.data, sealed: erased(data.sealed) });
  }
}

const Sealed = z.object({ sealed: z.string().regex(SEALED) });
