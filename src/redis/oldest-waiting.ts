/**
 * Since when the job waits that has waited longest, of those that are next in line. Its cost does not grow with the number of jobs.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { timeFault } from '../contract/job-times.ts';
import { luaBeside, scriptsOf } from './scripts.ts';

/** Clients hardly use so many priorities at once. */
const MOST_PRIORITIES = 100;

/** Answers how to ask, in epoch milliseconds: added, due or put in line then. Undefined where no job waits. */
export function createOldestWaiting(jobs: Queue): () => Promise<number | undefined> {
  const script = scriptsOf(jobs, { 'oldest-waiting': luaBeside(import.meta.url)('oldest-waiting') });
  return async () => {
    const keys = [jobs.toKey('wait'), jobs.toKey('prioritized')];
    const reply = await script('oldest-waiting')(keys, [jobs.toKey(''), MOST_PRIORITIES]);
    // A time that no worker believes is no age: the job will be refused.
    const isBelieved = (since: number) => timeFault(since, Date.now()) === undefined;
    const times = Heads.parse(reply).map(sinceOf).filter(isBelieved);
    return times.length === 0 ? undefined : Math.min(...times);
  };
}

const Heads = z.array(z.tuple([z.string(), z.string(), z.string()]));

/** An import gives all its jobs the time of its beginning, whenever it adds them. */
function sinceOf([timestamp, options, queuedAt]: [string, string, string]): number {
  if (queuedAt !== '') return Number(queuedAt);
  return timestamp === '' ? NaN : Number(timestamp) + delayIn(options);
}

/** Another client may have written anything into the options. */
function delayIn(options: string): number {
  try {
    return Delayed.safeParse(JSON.parse(options)).data?.delay ?? 0;
  } catch {
    return 0;
  }
}

const Delayed = z.object({ delay: z.number() });
