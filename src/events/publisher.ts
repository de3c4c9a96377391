/**
 * Prepares an event's add to every events queue; whoever settles the job carries the adds out, in one step with what else
 * the settling changes. Knows nothing of what the event says.
 */
import { Job, Queue } from 'bullmq';
import type { UserEvent } from '../contract/event.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { type PreparedAdd, prepareAdd } from '../redis/prepare-add.ts';

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
    prepare: (event) =>
      Promise.all(queues.map((queue) => prepareAdd(new Job(queue, event.type, event, EVENT_OPTIONS)))),
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}
