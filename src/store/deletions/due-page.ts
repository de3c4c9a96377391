/**
 * Reads pending deletions of our index by rank, a page at a time: the cost does not grow with their number. Those that another BullMQ
 * client has added are delayed jobs like any other, and not in the index.
 */
import type { Queue } from 'bullmq';
import { changesIn } from '../../redis/change.ts';
import { type Deletion, readDeletion } from './deletion-list.ts';
import { pendingKeyOf } from './deletion-names.ts';

/** A deletion whose job cannot be read, or is gone meanwhile, has only its id and its time. */
export type IndexedDeletion = Deletion | { jobId: string; dueAt: number };

export interface DueSpan {
  /** Due at or after this, in epoch milliseconds. Default: from the first one on. */
  from?: number | undefined;
  /** Due before this, in epoch milliseconds. Default: to the last one. */
  before?: number | undefined;
}

/** Those due within this span, the next due first. @param skip how many of them are left out before. */
export async function readDuePage(
  { jobs, prefix }: { jobs: Queue; prefix: string },
  { from, before, skip, count }: DueSpan & { skip: number; count: number },
): Promise<{ total: number; deletions: IndexedDeletion[] }> {
  const key = pendingKeyOf(prefix);
  const { total, places } = await changesIn(jobs)((seen) => {
    const earlier = from === undefined ? 0 : Number(seen.read('ZCOUNT', key, '-inf', `(${from}`) ?? 0);
    const end = Number(
      (before === undefined ? seen.read('ZCARD', key) : seen.read('ZCOUNT', key, '-inf', `(${before}`)) ?? 0,
    );
    const first = earlier + skip;
    const last = Math.min(end, first + count) - 1;
    const list = last < first ? [] : seen.list('ZRANGE', key, first, last, 'WITHSCORES');
    return { answer: { total: Math.max(0, end - earlier), places: placesIn(list) } };
  });
  const read = await Promise.all(places.map(({ jobId, dueAt }) => readDeletion(jobs, jobId, dueAt)));
  const deletions = places.map((place, at) => {
    const one = read[at];
    return typeof one === 'object' ? one : place;
  });
  return { total, deletions };
}

/** When these jobs are due, in epoch milliseconds; undefined for those that are not in the index. */
export function readDueTimes(
  { jobs, prefix }: { jobs: Queue; prefix: string },
  jobIds: readonly string[],
): Promise<(number | undefined)[]> {
  const key = pendingKeyOf(prefix);
  return changesIn(jobs)((seen) => ({ answer: jobIds.map((jobId) => seen.score(key, jobId)) }));
}

function placesIn(list: readonly (string | undefined)[]): { jobId: string; dueAt: number }[] {
  return list.flatMap((jobId = '', n) => (n % 2 === 0 ? [{ jobId, dueAt: Number(list[n + 1]) }] : []));
}
