/**
 * About how many deletions are pending, told at once whatever their number. Reads a bounded number of delayed jobs, of which
 * each may have been added by any client: that is why no counter could tell it.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { dueMsOf } from '../score.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

export interface PendingDeletions {
  count: number;
  /** False where the count is an estimate, from the share of the deletions in a random sample of the delayed jobs. */
  isExact: boolean;
  /** Epoch milliseconds, which may lie beyond the calendar; undefined where there is none, or none among those delayed jobs that are due first. */
  nextDueAt?: number;
}

/** A few milliseconds of Redis; of a sample this large the share is right within 5 points of 100, nearly always. */
const LOOKED_AT = 500;

/** Those that the brake holds are pending too; those that were cancelled are not. */
export function createDeletionsGlance(jobs: Queue): () => Promise<PendingDeletions> {
  const script = scriptsOf(jobs, { 'deletions-glance': luaBeside(import.meta.url)('glance') });
  return async () => {
    const reply = await script('deletions-glance')([jobs.toKey('delayed')], [jobs.toKey(''), LOOKED_AT]);
    const [total, lookedAt, deletions, next] = Reply.parse(reply);
    const isExact = lookedAt === total;
    return {
      count: isExact ? deletions : Math.round((total * deletions) / Math.max(1, lookedAt)),
      isExact,
      ...(next !== '' && { nextDueAt: dueMsOf(next) }),
    };
  };
}

const Reply = z.tuple([z.number(), z.number(), z.number(), z.string()]);
