/**
 * Puts an event on every events queue, in one transaction. Knows nothing of what the event says.
 */
import { Job, Queue } from 'bullmq';
import type { UserEvent } from '../contract/event.ts';
import type { RedisConnection } from '../redis/connection.ts';

export interface EventPublisher {
  /**
   * Adds the event to all queues or to none. Within a day the same event id is added once, however often it is published.
   * @throws what Redis answers.
   */
  publish(event: UserEvent): Promise<void>;
  close(): Promise<void>;
}

/** How long an event id is remembered, in milliseconds: longer than a redelivery takes. */
const DEDUPLICATE_MS = 24 * 3600 * 1000;

/** What a subscriber gets that is a bare BullMQ worker: retries, and a bounded history. */
const EVENT_OPTIONS = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: { age: 3600, count: 1000 },
  removeOnFail: { age: 14 * 24 * 3600 },
};

/** Publishes on the queues with these names. */
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
    async publish(event) {
      const [first] = queues;
      if (first === undefined) return;
      const transaction = (await first.getBackend().client).multi();
      for (const queue of queues) {
        const job = new Job(queue, event.type, event, {
          ...EVENT_OPTIONS,
          deduplication: { id: event.id, ttl: DEDUPLICATE_MS },
        });
        await job.addJob(transaction);
      }
      const replies = (await transaction.exec()) ?? [];
      for (const [error] of replies) if (error !== null) throw error;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}
