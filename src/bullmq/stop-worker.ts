/**
 * Stops a BullMQ worker in bounded time: its own close waits for Redis, which may be away for ever.
 */
import type { Worker } from 'bullmq';

/** How long returning jobs may take after the grace period, in milliseconds. */
export const GIVE_BACK_MS = 2000;

/**
 * Stops fetching, lets active jobs finish, then aborts the rest and returns them to the queue. Always resolves.
 * @param graceMs how long active jobs may take, in milliseconds.
 * @param giveBackMs how long returning them may take after that, in milliseconds.
 */
export async function stopWorker(
  worker: Pick<Worker, 'close' | 'cancelAllJobs'>,
  graceMs: number,
  giveBackMs = GIVE_BACK_MS,
): Promise<void> {
  const closed = worker.close();
  if (await settles(closed, graceMs)) return;
  worker.cancelAllJobs('stopping');
  await settles(closed, giveBackMs);
}

/** Whether a promise settles within this time. */
async function settles(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), withinMs);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
