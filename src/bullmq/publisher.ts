/**
 * Publishes events on the events queues: those of one turn of the event loop together, each under its own id, so that what is published
 * again is ignored while the queue has it. Knows nothing of what an event says.
 */
import { createHash } from 'node:crypto';
import { type JobsOptions, Queue, SpanKind, type Telemetry } from 'bullmq';
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
  return createHash('sha256').update(`${id} ${time}`).digest('base64url').slice(0, 22);
}

interface Entry {
  event: UserEvent;
  /** The context of the job that it ends, where jobs are followed. */
  context: unknown;
  resolve: () => void;
  reject: (error: unknown) => void;
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
    const queue = new Queue(name, { connection, prefix });
    // Only echoes what the connection says itself; without a listener BullMQ would print it.
    queue.on('error', () => {});
    return queue;
  });
  let waiting: Entry[] = [];

  const flush = async () => {
    const entries = waiting;
    waiting = [];
    try {
      await Promise.all(queues.map((queue) => add(queue, entries, telemetry)));
      for (const { resolve } of entries) resolve();
    } catch (error) {
      // Which of them are there is not known: each is published again.
      for (const { reject } of entries) reject(error);
    }
  };

  return {
    queues,
    async publish(event) {
      if (queues.length === 0) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ event, context: telemetry?.contextManager.active(), resolve, reject });
      if (waiting.length === 1) setImmediate(() => void flush());
      await promise;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}

async function add(queue: Queue, entries: readonly Entry[], telemetry?: Telemetry): Promise<void> {
  const spans = entries.map(
    ({ event, context }) => telemetry && beginToAdd(telemetry, context, queue, event),
  );
  let isAdded = false;
  try {
    await queue.addBulk(
      entries.map(({ event }, place) => ({
        name: event.type,
        data: event,
        opts: { ...optionsOf(event), jobId: jobIdOf(event), ...spans[place]?.options },
      })),
    );
    isAdded = true;
  } finally {
    for (const span of spans) span?.ended(isAdded);
  }
}

/** The span of an add, as BullMQ's own `add` would open it, and what the event bears of it. */
function beginToAdd(
  { tracer, contextManager }: Telemetry,
  context: unknown,
  queue: Queue,
  { type }: UserEvent,
) {
  const span = tracer.startSpan(`add ${queue.name}.${type}`, { kind: SpanKind.PRODUCER }, context);
  span.setAttributes({
    'bullmq.queue.name': queue.name,
    'bullmq.queue.operation': 'add',
    'bullmq.job.name': type,
  });
  return {
    options: { telemetry: { metadata: contextManager.getMetadata(span.setSpanOnContext(context)) } },
    ended: (isAdded: boolean) => {
      if (!isAdded) span.recordException({ name: 'not added' });
      span.end();
    },
  };
}
