/**
 * Other jobs than the one that runs, by BullMQ's public interface: has them run, asks after them, erases what they say.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { jobIdOf } from '../contract/version.ts';
import { handleOf, promoteJob, unlessElsewhere } from './elsewhere.ts';
import { type StoredJob, readJob } from './read-job.ts';
import type { JobQueue } from '../lifecycle/ports/job-queue.ts';
import { ENCRYPTED, erased } from '../lifecycle/encryption.ts';

export function createJobQueue(jobs: Queue): JobQueue {
  return {
    async promote(jobId) {
      const job = await readJob(jobs, jobId);
      // One that never ran was given the id of one that is gone: it waits for its own time.
      if (job === undefined || job.attemptsStarted === 0) return 'gone';
      if (await promoteJob(jobs, jobId)) return 'promoted';
      return job.finishedOn === undefined ? 'elsewhere' : 'gone';
    },
    async isPending(jobId) {
      const job = await readJob(jobs, jobId);
      return job !== undefined && job.finishedOn === undefined;
    },
    async erase(versions) {
      await Promise.all(versions.map((version) => erase(jobIdOf(version))));
    },
  };

  /** One that was put back is on its way to be superseded. */
  async function erase(jobId: string): Promise<void> {
    const job = await readJob(jobs, jobId);
    if (job?.finishedOn === undefined) return;
    const data = erasedDataOf(job);
    // The proof stays, as nobody but a worker can have written that.
    if (data !== undefined) await unlessElsewhere(handleOf(jobs, jobId).updateData(data));
  }
}

const Encrypted = z.object({ encrypted: z.string().regex(ENCRYPTED) });

/** Undefined if the data is not encrypted. */
function erasedDataOf({ data }: StoredJob): object | undefined {
  try {
    const said = z.record(z.string(), z.unknown()).parse(JSON.parse(data));
    return { ...said, encrypted: erased(Encrypted.parse(said).encrypted) };
  } catch {
    return undefined;
  }
}
