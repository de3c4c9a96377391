/**
 * Prepares the add of a BullMQ job, for a script that carries it out in one step with what else it changes. Asks Redis nothing.
 */
import type { IRedisTransaction, Job } from 'bullmq';
import type { Argument } from './scripts.ts';

/** An add to a queue, as the scripts take it. */
export interface PreparedAdd {
  /** Of the queue's keys. */
  base: string;
  /** Of BullMQ's own addStandardJob, or addPrioritizedJob for a job with a priority. */
  args: readonly Argument[];
  /** To be told whether it was carried out, where somebody follows it. */
  ended?: (isAdded: boolean) => void;
}

/** How many keys addStandardJob takes, and addPrioritizedJob. */
const KEYS = 9;

/**
 * The arguments of addStandardJob, or of addPrioritizedJob for a job with a priority. BullMQ computes them itself: it adds the job to a transaction that only writes down what it was told.
 */
export async function prepareAdd(job: Job): Promise<readonly Argument[]> {
  const told: Argument[][] = [];
  const transaction = {
    runCommand(_name: string, all: Argument[]) {
      told.push(all.slice(KEYS));
      return transaction;
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method of it that addJob calls
  const client = transaction as unknown as IRedisTransaction;
  await job.addJob(client);
  const [args] = told;
  if (args === undefined) throw new Error('BullMQ prepared no add');
  return args;
}
