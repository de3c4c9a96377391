/**
 * Promotes, inspects and erases other jobs than the running one, by BullMQ's public interface.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { jobIdOf } from '../contract/version.ts';
import { handleOf, promoteJob, unlessElsewhere } from './elsewhere.ts';
import { type StoredJob, readStoredJob } from './read-job.ts';
import type { JobQueue } from '../lifecycle/ports/job-queue.ts';
import { ENCRYPTED, erased } from '../lifecycle/encryption.ts';

export function createJobQueue(jobs: Queue): JobQueue {
  return {
    async promote(jobId) {
      const job = await readStoredJob(jobs, jobId);
      // A job that never ran has reused this id: leave it until it is due.
      if (job === undefined || job.attemptsStarted === 0) return 'gone';
      if (await promoteJob(jobs, jobId)) return 'promoted';
      return job.finishedOn === undefined ? 'elsewhere' : 'gone';
    },
    async isPending(jobId) {
      const job = await readStoredJob(jobs, jobId);
      return job !== undefined && job.finishedOn === undefined;
    },
    async erase(versions) {
      await Promise.all(versions.map((version) => erase(jobIdOf(version))));
    },
  };

  /** A job that is being retried will end as superseded. */
  async function erase(jobId: string): Promise<void> {
    const job = await readStoredJob(jobs, jobId);
    if (job?.finishedOn === undefined) return;
    const data = erasedDataOf(job);
    // The proof stays: only a worker can have written it.
    if (data !== undefined) await unlessElsewhere(handleOf(jobs, jobId).updateData(data));
  }
}

const Encrypted = z.object({ encrypted: z.string().regex(ENCRYPTED) });

/** Undefined if the data is not encrypted. */
function erasedDataOf({ data }: StoredJob): object | undefined {
  try {
    const content = z.record(z.string(), z.unknown()).parse(JSON.parse(data));
    return { ...content, encrypted: erased(Encrypted.parse(content).encrypted) };
  } catch {
    return undefined;
  }
}
