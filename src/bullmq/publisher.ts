/**
 * Publishes events on the events queues under unique ids: a queue ignores an event that it already has.
 */
import { hash } from 'node:crypto';
import { type JobsOptions, Queue, type Telemetry } from 'bullmq';
import type { UserEvent } from '../contract/event.ts';
import type { RedisConnection } from '../redis/connection.ts';
import type { Publish } from '../lifecycle/ports/job-queue.ts';

export interface EventPublisher {
  readonly queues: readonly Queue[];
  /** Resolves once every queue has the event. */
  publish: Publish;
  close(): Promise<void>;
}

/** Defaults for a subscriber that is a plain BullMQ worker: retries and a bounded history. */
const EVENT_OPTIONS = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: { age: 3600, count: 1000 },
  removeOnFail: { age: 14 * 24 * 3600 },
};

/** An event with tokens is removed as soon as it completes: BullMQ removes by age only when a later job finishes. */
const SECRET_EVENT_OPTIONS = { ...EVENT_OPTIONS, removeOnComplete: true };

function optionsOf({ data }: UserEvent): JobsOptions {
  return 'accessToken' in data || 'refreshToken' in data ? SECRET_EVENT_OPTIONS : EVENT_OPTIONS;
}

/** The same for an event that is published again. A retried job may end again with the same event id, at another time. */
function jobIdOf({ id, time }: UserEvent): string {
  return hash('sha256', `${id} ${time}`, 'base64url').slice(0, 22);
}

/**
 * Publishes on the queues with these names.
 * @param telemetry follows each event to its subscriber, in the trace of its job.
 */
export function createPublisher(
  connection: RedisConnection,
  prefix: string,
  queueNames: readonly string[],
  telemetry?: Telemetry,
): EventPublisher {
  const queues = queueNames.map((name) => {
    const queue = new Queue(name, { connection, prefix, ...(telemetry !== undefined && { telemetry }) });
    // The connection reports its own errors; without a listener BullMQ would print them.
    queue.on('error', () => {});
    return queue;
  });
  return {
    queues,
    async publish(event) {
      const options = { ...optionsOf(event), jobId: jobIdOf(event) };
      // Not `addBulk`: its pipeline costs more than it saves, as the commands of one tick leave the connection together.
      await Promise.all(queues.map((queue) => queue.add(event.type, event, options)));
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}
