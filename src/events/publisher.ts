/**
 * Prepares an event's add to every events queue; whoever settles the job carries the adds out, in one step with what else
 * the settling changes. Knows nothing of what the event says.
 */
import { type IRedisTransaction, Job, Queue } from 'bullmq';
import type { UserEvent } from '../contract/event.ts';
import type { RedisConnection } from '../redis/connection.ts';
import type { PreparedAdd } from '../redis/ledger/user-ledger.ts';

export interface EventPublisher {
  /** The arguments of BullMQ's own addStandardJob, for each queue. Asks Redis nothing. */
  prepare(event: UserEvent): Promise<PreparedAdd[]>;
  close(): Promise<void>;
}

/** What a subscriber gets that is a bare BullMQ worker: retries, and a bounded history. */
const EVENT_OPTIONS = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: { age: 3600, count: 1000 },
  removeOnFail: { age: 14 * 24 * 3600 },
};

/** How many keys addStandardJob takes. */
const KEYS = 9;

/** Prepares events for the queues with these names. */
export function createPublisher(
  connection: RedisConnection,
  prefix: string,
  queueNames: readonly string[],
): EventPublisher {
  const queues = queueNames.map((name) => {
    const queue = new Queue(name, { connection, prefix });
    // Only echoes what the connection says itself; without a listener BullMQ would print it.
    queue.on('error', () => {});
    return queue;
  });
  return {
    prepare: (event) => Promise.all(queues.map((queue) => prepareAdd(queue, event))),
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}

/** BullMQ computes the arguments itself: it adds the job to a transaction that only writes down what it was told. */
async function prepareAdd(queue: Queue, event: UserEvent): Promise<PreparedAdd> {
  const told: PreparedAdd[] = [];
  const transaction = {
    runCommand(_name: string, all: (string | Buffer)[]) {
      told.push({ keys: all.slice(0, KEYS).map(String), args: all.slice(KEYS) });
      return transaction;
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method of it that addJob calls
  const client = transaction as unknown as IRedisTransaction;
  await new Job(queue, event.type, event, EVENT_OPTIONS).addJob(client);
  const [add] = told;
  if (add === undefined) throw new Error('BullMQ prepared no add');
  return add;
}
