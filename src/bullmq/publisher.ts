/**
 * Publishes events on the events queues, each under an id of its own: an event that is published again is ignored while the queue has it.
 * Does not look at what an event says.
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

/** What a subscriber gets that is a bare BullMQ worker: retries, and a bounded history. */
const EVENT_OPTIONS = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: { age: 3600, count: 1000 },
  removeOnFail: { age: 14 * 24 * 3600 },
};

/** An event with tokens is gone once it was taken: BullMQ removes one that is old only when the next one is done with. */
const SECRET_EVENT_OPTIONS = { ...EVENT_OPTIONS, removeOnComplete: true };

function optionsOf({ data }: UserEvent): JobsOptions {
  return 'accessToken' in data || 'refreshToken' in data ? SECRET_EVENT_OPTIONS : EVENT_OPTIONS;
}

/** The same for what is published again. A job that is put back may end again under the same event id, at another time. */
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
    // Only echoes what the connection says itself; without a listener BullMQ would print it.
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
