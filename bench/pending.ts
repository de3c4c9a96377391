/**
 * Fills a Redis with deferred deletions by the product's own function. Knows what requests look like and how many are in flight;
 * not what they weigh.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type DeletionRequest, type Deletions, createDeletions } from '../src/store/deletions/deletions.ts';
import { PREFIX } from './environment.ts';
import { cpuSecondsOf } from './weight.ts';

const DAY_MS = 24 * 3600 * 1000;
/** Over so many days the deletions are spread, the first one due only when the benchmark is long over. */
const SPREAD_DAYS = 60;
/** So many adds are on their way at once, where nothing else is said. */
export const IN_FLIGHT = 100;

/** A queue of jobs in a Redis, as a producer has it. */
export interface Store {
  readonly redis: Redis;
  readonly jobs: Queue;
  readonly deletions: Deletions;
  close(): void;
}

export function openStore(redisUrl: string): Store {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const jobs = new Queue('user-jobs', { connection: redis, prefix: PREFIX });
  return {
    redis,
    jobs,
    deletions: createDeletions({ jobs, prefix: PREFIX }),
    close: () => redis.disconnect(),
  };
}

/** A clientId of 15 to 36 characters, the same for the same number. */
export function clientIdOf(index: number): string {
  return `customer-${String(index).padStart(6 + (index % 22), '0')}`;
}

export const REQUESTS = {
  clientId: (index: number): DeletionRequest => ({ clientId: clientIdOf(index) }),
  userId: (index: number): DeletionRequest => ({ userId: userIdOf(index) }),
  everything: (index: number): DeletionRequest => ({
    clientId: clientIdOf(index),
    userId: userIdOf(index),
    reason: 'the customer has closed the account',
  }),
} as const;

function userIdOf(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

export interface Added {
  readonly count: number;
  readonly seconds: number;
  /** CPU time of this process and of Redis, in seconds. */
  readonly ownCpuSeconds: number;
  readonly redisCpuSeconds: number;
  /** The longest time but one in a hundred for which this process did nothing else. */
  readonly blockedP99Ms: number;
}

export interface Plan {
  readonly count: number;
  readonly requestOf: (index: number) => DeletionRequest;
  /** Number of the first request. */
  readonly from?: number;
  readonly inFlight?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Adds deletions, the next one as soon as one of those in flight is answered. */
export async function addDeletions(
  { redis, deletions }: Store,
  { count, requestOf, from = 0, inFlight = IN_FLIGHT, signal }: Plan,
): Promise<Added> {
  const firstDueMs = Date.now() + DAY_MS;
  let next = 0;
  const addOneByOne = async () => {
    while (next < count) {
      signal?.throwIfAborted();
      const index = next++;
      // Not in the order of their times, which no producer keeps.
      const share = (index * 0.618_033_988_75) % 1;
      const scheduled = await deletions.schedule(
        requestOf(from + index),
        firstDueMs + share * SPREAD_DAYS * DAY_MS,
      );
      if (scheduled === 'too-late' || scheduled.is !== 'scheduled') throw new Error('there was one already');
    }
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const redisCpuBefore = await cpuSecondsOf(redis);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  delay.enable();
  await Promise.all(Array.from({ length: inFlight }, addOneByOne));
  delay.disable();
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    count,
    seconds,
    ownCpuSeconds: (cpu.user + cpu.system) / 1e6,
    redisCpuSeconds: (await cpuSecondsOf(redis)) - redisCpuBefore,
    blockedP99Ms: delay.percentile(99) / 1e6,
  };
}
