/**
 * Pauses or resumes a queue for the whole fleet.
 */
import type { Queue } from 'bullmq';

export interface PauseEnd {
  isPaused: boolean;
  /** It was so before. */
  isUnchanged: boolean;
  waiting: number;
  active: number;
}

export async function setPaused(queue: Queue, isPaused: boolean): Promise<PauseEnd> {
  const isUnchanged = (await queue.isPaused()) === isPaused;
  await (isPaused ? queue.pause() : queue.resume());
  const { active = 0, ...counts } = await queue.getJobCounts('active', 'waiting', 'prioritized');
  const waiting = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { isPaused, isUnchanged, waiting, active };
}
