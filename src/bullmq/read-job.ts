/**
 * Reads a job as BullMQ keeps it, its data and its result as the text they are: BullMQ's own `getJob` parses both, and fails if another
 * client has written something else.
 */
import type { JobJson, Queue } from 'bullmq';

/** BullMQ's type promises some fields that only some jobs have. */
export type StoredJob = Omit<JobJson, Unsure> & Partial<Pick<JobJson, Unsure>>;
type Unsure = 'name' | 'failedReason' | 'returnvalue';

/** Undefined if there is no such job, or if what another client has written cannot be read as one. */
export async function readStoredJob(
  queue: Pick<Queue, 'getBackend'>,
  jobId: string,
): Promise<StoredJob | undefined> {
  try {
    return await queue.getBackend().getJobData(jobId);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Its options are no JSON or no object; or its id is the name of one of BullMQ's own keys. */
function isUnreadable(error: unknown): boolean {
  if (error instanceof SyntaxError || error instanceof TypeError) return true;
  return error instanceof Error && error.message.startsWith('WRONGTYPE');
}

/** Calls for each item, a few at a time; answers in the order of the items. After a call that failed no other begins. */
export async function fewAtATime<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  let hasFailed = false;
  const goOn = async () => {
    for (const [index, item] of left) {
      if (hasFailed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, goOn));
  return results;
}
