/**
 * Whether any BullMQ worker, in any language, takes jobs from a queue. Reads only.
 */
import type { JobType, Queue } from 'bullmq';
import { isLostConnection } from '../redis/connection.ts';
import { readStoredJob } from './read-job.ts';

/** A worker that took a job within this time counts as present, in milliseconds. */
const LATELY_MS = 60_000;

/**
 * Undefined if unknown. Workers in Node name their connections; a worker in another language counts as present if it took a job within
 * the last minute.
 */
export async function hasReader(queue: Queue): Promise<boolean | undefined> {
  return (await hasTakenLately(queue)) || hasNamedWorker(queue);
}

async function hasNamedWorker(queue: Queue): Promise<boolean | undefined> {
  try {
    const workers = await queue.getWorkers();
    // BullMQ's answer if Redis does not list its connections.
    return workers.some(({ name }) => name === UNKNOWN) ? undefined : workers.length > 0;
  } catch (error) {
    // A user with minimal rights may not list connections.
    if (isLostConnection(error)) throw error;
    return undefined;
  }
}

const UNKNOWN = 'GCP does not support client list';

/** Checks the last job of each state that follows a fetch. */
async function hasTakenLately(queue: Queue): Promise<boolean> {
  const takenAt = async (state: JobType): Promise<number> => {
    const [jobId] = await queue.getRanges([state], 0, 0);
    const job = jobId === undefined ? undefined : await readStoredJob(queue, jobId);
    return job?.processedOn ?? -Infinity;
  };
  const times = await Promise.all([takenAt('active'), takenAt('completed'), takenAt('failed')]);
  return Math.max(...times) > Date.now() - LATELY_MS;
}
