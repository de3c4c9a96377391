/**
 * Prepares an event's add to every events queue; whoever settles the job carries the adds out, in one step with what else
 * the settling changes. Knows nothing of what the event says.
 */
import { Job, type JobsOptions, Queue, SpanKind, type Telemetry } from 'bullmq';
import type { UserEvent } from '../contract/event.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { type PreparedAdd, prepareAdd } from '../redis/prepare-add.ts';

export interface EventPublisher {
  readonly queues: readonly Queue[];
  /** The add to each queue. Asks Redis nothing. */
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

/** An event with tokens is gone once it was taken: BullMQ removes one that is old only when the next one is done with. */
const SECRET_EVENT_OPTIONS = { ...EVENT_OPTIONS, removeOnComplete: true };

function optionsOf({ data }: UserEvent): JobsOptions {
  return 'accessToken' in data || 'refreshToken' in data ? SECRET_EVENT_OPTIONS : EVENT_OPTIONS;
}

/**
 * Prepares events for the queues with these names.
 * @param telemetry follows each event to its subscriber, in the trace of its job.
 */
export function createPublisher(
  connection: RedisConnection,
  prefix: string,
  queueNames: readonly string[],
  telemetry?: Telemetry,
): EventPublisher {
  const queues = queueNames.map((name) => {
    const queue = new Queue(name, { connection, prefix });
    // Only echoes what the connection says itself; without a listener BullMQ would print it.
    queue.on('error', () => {});
    return queue;
  });
  const prepareFor = async (queue: Queue, event: UserEvent, options: JobsOptions = optionsOf(event)) => ({
    base: queue.toKey(''),
    args: await prepareAdd(new Job(queue, event.type, event, options)),
  });
  return {
    queues,
    prepare: (event) =>
      Promise.all(
        queues.map(async (queue) => {
          if (telemetry === undefined) return prepareFor(queue, event);
          const { metadata, ended } = beginToAdd(telemetry, queue.name, event.type);
          return {
            ...(await prepareFor(queue, event, { ...optionsOf(event), telemetry: { metadata } })),
            ended,
          };
        }),
      ),
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}

/** The span of an add, as BullMQ's own `add` would open it, and what the event bears of it. */
function beginToAdd({ tracer, contextManager }: Telemetry, queue: string, type: string) {
  const current: unknown = contextManager.active();
  const span = tracer.startSpan(`add ${queue}.${type}`, { kind: SpanKind.PRODUCER }, current);
  span.setAttributes({
    'bullmq.queue.name': queue,
    'bullmq.queue.operation': 'add',
    'bullmq.job.name': type,
  });
  return {
    metadata: contextManager.getMetadata(span.setSpanOnContext(current)),
    ended: (isAdded: boolean) => {
      if (!isAdded) span.recordException({ name: 'not added' });
      span.end();
    },
  };
}
