/**
 * Prepares the add of a BullMQ job, for a script that carries it out in one step with what else it changes. Asks Redis nothing.
 */
import type { IRedisTransaction, Job } from 'bullmq';
import type { Argument } from './scripts.ts';

/** An add to a queue, as the scripts take it. */
export interface PreparedAdd {
  keys: readonly string[];
  args: readonly Argument[];
  /** To be told whether it was carried out, where somebody follows it. */
  ended?: (isAdded: boolean) => void;
}

/** How many keys addStandardJob takes. */
const KEYS = 9;

/** BullMQ computes the arguments itself: it adds the job to a transaction that only writes down what it was told. */
export async function prepareAdd(job: Job): Promise<PreparedAdd> {
  const told: PreparedAdd[] = [];
  const transaction = {
    runCommand(_name: string, all: (string | Buffer)[]) {
      told.push({ keys: all.slice(0, KEYS).map(String), args: all.slice(KEYS) });
      return transaction;
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method of it that addJob calls
  const client = transaction as unknown as IRedisTransaction;
  await job.addJob(client);
  const [add] = told;
  if (add === undefined) throw new Error('BullMQ prepared no add');
  return add;
}
