/**
 * Opens the parts of a service that share Redis: the connection, the queues and the circuit breakers.
 */
import { Queue, type Telemetry } from 'bullmq';
import { createJobQueue } from '../bullmq/job-queue.ts';
import { createPublisher } from '../bullmq/publisher.ts';
import { FailureDetector } from '../lifecycle/failure-detector.ts';
import type { CircuitName } from '../lifecycle/ports/circuits.ts';
import { type RedisConnection, type RedisTarget, connectRedis, placeOf } from '../redis/connection.ts';
import { RedisCircuits } from '../store/circuits/circuits.ts';
import type { AppContext } from './app-context.ts';
import type { SharedSettings } from './user-id-settings.ts';

export interface Redis {
  readonly connection: RedisConnection;
  /** Its address, without secrets. */
  readonly place: string;
  /** Why Redis is away; undefined while it is there. */
  lostFor: string | undefined;
  /** Resolves when Redis is away for the first time. */
  readonly isAway: Promise<void>;
}

export function openRedis({ emit, closing }: AppContext, target: RedisTarget): Redis {
  const place = placeOf(target);
  const { promise: isAway, resolve } = Promise.withResolvers<void>();
  let isClosing = false;
  const connection = connectRedis(target, (state, reason) => {
    redis.lostFor = state === 'lost' ? (reason ?? 'no answer') : undefined;
    if (state === 'ready') return emit({ is: 'redis-ready', place });
    resolve();
    if (!isClosing) emit({ is: 'redis-lost', reason, place });
  });
  const redis: Redis = { connection, place, lostFor: undefined, isAway };
  closing.push(async () => {
    isClosing = true;
    connection.disconnect();
  });
  return redis;
}

export type Queues = ReturnType<typeof openQueues>;

export function openQueues(
  { config: { queues }, closing }: AppContext,
  { connection }: Redis,
  telemetry: Telemetry | undefined,
) {
  const { prefix } = queues;
  const publisher = createPublisher(connection, prefix, queues.events, telemetry);
  const jobs = new Queue(queues.jobs, { connection, prefix });
  jobs.on('error', () => {});
  closing.push(async () => {
    if (connection.status === 'ready') await Promise.all([publisher.close(), jobs.close()]);
  });
  return { jobs, jobQueue: createJobQueue(jobs), publisher };
}

export type Circuits = ReturnType<typeof openCircuits>;

/** The circuit breakers, and the failure detector that reports each success to them. */
export function openCircuits(
  { config, timings: { lockMs, probes, now }, emit }: AppContext,
  { jobs, jobQueue }: Queues,
  settings: SharedSettings,
  fingerprints: ReadonlyMap<CircuitName, string>,
) {
  const circuits = new RedisCircuits({
    prefix: config.queues.prefix,
    jobs,
    jobQueue,
    lockMs,
    fingerprints,
    probes,
    now,
    onChange: (change) => emit({ is: 'circuit-changed', change }),
  });
  const failureDetector = new FailureDetector({
    retry: config.retry,
    onPassed: (circuit) => {
      settings.accept(circuit);
      circuits.passed(circuit);
    },
  });
  return { circuits, names: [...fingerprints.keys()], failureDetector };
}
