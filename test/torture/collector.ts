/**
 * Takes the events off their queues as subscribing services would, and counts what the producer waits for: settled jobs.
 */
import { Worker } from 'bullmq';
import { UserEvent } from '../../src/contract/event.ts';
import { type RedisTarget, connectRedis } from '../../src/redis/connection.ts';

export interface AddedEvent {
  id: string;
  jobId: string;
  queue: string;
  /** When its job was settled, and when it was added, in epoch milliseconds. */
  settledAt: number;
  addedAt: number;
}

export interface Collector {
  /** How many jobs have an event on every queue. */
  readonly settled: number;
  /** Resolves once so many jobs are settled. */
  reaches(settled: number): Promise<void>;
  /** The distinct event ids of a job, on whatever queue. */
  idsOf(jobId: string): ReadonlySet<string>;
  isSettled(jobId: string): boolean;
  /** How many entries the queues bore, deliveries of the same entry not counted. */
  readonly published: number;
  /** The codes of the jobs that failed. */
  readonly failures: ReadonlyMap<string, string>;
  /** Each event of a queue, when it was first added there. */
  readonly added: readonly AddedEvent[];
  close(): Promise<void>;
}

export async function startCollector(
  redis: RedisTarget,
  prefix: string,
  queues: readonly string[],
): Promise<Collector> {
  const entries = new Set<string>();
  const ids = new Map<string, Set<string>>();
  const queuesOf = new Map<string, Set<string>>();
  const failures = new Map<string, string>();
  const waiting = new Map<() => void, number>();
  let settled = 0;

  const added = new Map<string, AddedEvent>();

  const take = (queue: string, entry: string, event: UserEvent, addedAt: number) => {
    const { jobId } = event.data;
    const earlier = added.get(`${queue} ${event.id}`);
    if (earlier === undefined || earlier.addedAt > addedAt)
      added.set(`${queue} ${event.id}`, {
        id: event.id,
        jobId,
        queue,
        settledAt: Date.parse(event.time),
        addedAt,
      });
    entries.add(`${queue} ${entry}`);
    ids.set(jobId, (ids.get(jobId) ?? new Set()).add(event.id));
    const heardOn = queuesOf.get(jobId) ?? new Set();
    if (heardOn.has(queue)) return;
    queuesOf.set(jobId, heardOn.add(queue));
    if (heardOn.size < queues.length) return;
    settled += 1;
    if (event.type === 'user.failed') failures.set(jobId, event.data.code);
    for (const [resolve, bound] of waiting) {
      if (bound <= settled && waiting.delete(resolve)) resolve();
    }
  };

  const connection = connectRedis(redis); // it is killed now and then: that is the point
  const workers = queues.map((queue) => {
    const worker = new Worker(
      queue,
      async ({ id = '', data, timestamp }) => take(queue, id, UserEvent.parse(data), timestamp),
      { connection, prefix, concurrency: 20 },
    );
    worker.on('error', () => undefined);
    return worker;
  });
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));

  return {
    get settled() {
      return settled;
    },
    get published() {
      return entries.size;
    },
    failures,
    get added() {
      return [...added.values()];
    },
    idsOf: (jobId) => ids.get(jobId) ?? new Set(),
    isSettled: (jobId) => queuesOf.get(jobId)?.size === queues.length,
    async reaches(bound) {
      if (bound <= settled) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(resolve, bound);
      return promise;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close(true)));
      connection.disconnect();
    },
  };
}
