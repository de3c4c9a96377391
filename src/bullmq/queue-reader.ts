/**
 * Whether any BullMQ worker takes jobs from a queue, whoever runs it and in whatever language. Changes nothing.
 */
import type { JobType, Queue } from 'bullmq';
import { isLostConnection } from '../redis/connection.ts';
import { readJob } from './read-job.ts';

/** A worker that took a job within that time is taken to be there, in milliseconds. */
const LATELY_MS = 60_000;

/**
 * Undefined if it cannot be told. Workers in Node name their connections; one in another language is seen by the job that it took within
 * the last minute, and else taken to be absent.
 */
export async function hasReader(queue: Queue): Promise<boolean | undefined> {
  return (await hasTakenLately(queue)) || hasNamedWorker(queue);
}

async function hasNamedWorker(queue: Queue): Promise<boolean | undefined> {
  try {
    const workers = await queue.getWorkers();
    // BullMQ's answer where Redis does not list its connections.
    return workers.some(({ name }) => name === UNKNOWN) ? undefined : workers.length > 0;
  } catch (error) {
    // A user with the least access may not ask.
    if (isLostConnection(error)) throw error;
    return undefined;
  }
}

const UNKNOWN = 'GCP does not support client list';

/** By the last job of each state in which one is that was taken. */
async function hasTakenLately(queue: Queue): Promise<boolean> {
  const takenAt = async (state: JobType): Promise<number> => {
    const [jobId] = await queue.getRanges([state], 0, 0);
    const job = jobId === undefined ? undefined : await readJob(queue, jobId);
    return job?.processedOn ?? -Infinity;
  };
  const times = await Promise.all([takenAt('active'), takenAt('completed'), takenAt('failed')]);
  return Math.max(...times) > Date.now() - LATELY_MS;
}
