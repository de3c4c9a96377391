/**
 * Reads the dead letters of one events queue, 50 at a time, and how many each has.
 */
import type { Queue } from 'bullmq';
import { type DeadLetter, createDeadLetters } from '../../../bullmq/dead-letters.ts';
import { PAGE } from '../ranks.ts';

export interface DeadLetterList {
  /** Undefined if no events are published. */
  queue: string | undefined;
  letters: DeadLetter[];
  from: number;
  total: number;
  counts: { queue: string; count: number }[];
}

/** @param queue Default: the first that has any. */
export async function readDeadLetters(
  events: readonly Queue[],
  { queue, from }: { queue?: string | undefined; from: number },
): Promise<DeadLetterList> {
  const counts = await Promise.all(
    events.map(async (one) => ({ queue: one.name, count: await one.getFailedCount() })),
  );
  const shown =
    counts.find((one) => (queue === undefined ? one.count > 0 : one.queue === queue)) ?? counts[0];
  const read = events.find(({ name }) => name === shown?.queue);
  const letters = read === undefined ? [] : await createDeadLetters(read).at(from, from + PAGE - 1);
  return { queue: shown?.queue, letters, from, total: shown?.count ?? 0, counts };
}
