/**
 * Reads the state of the fleet from Redis in one go: queues, recent results, open circuits. Its cost does not grow with the number of
 * jobs.
 */
import type { Queue } from 'bullmq';
import { createOldestWaiting } from '../bullmq/oldest-waiting.ts';
import type { CircuitState } from '../store/circuits/circuit-state.ts';
import type { OutcomeCount } from '../store/users/outcome-counts.ts';
import type { RedisRefusedError } from '../redis/refusal.ts';
import type { CircuitName } from '../lifecycle/ports/circuits.ts';
import { hasReader } from '../bullmq/has-consumer.ts';
import type { LoginState } from '../store/session/login-budget.ts';
import type { PendingDeletions } from '../store/deletions/due-counts.ts';

export interface FleetStatusSources {
  /** Why Redis accepts no write. */
  refusal: () => Promise<RedisRefusedError | undefined>;
  jobs: Queue;
  /** When a job of an import was added, in epoch milliseconds. */
  addedAt: (jobId: string) => Promise<number | undefined>;
  events: readonly Queue[];
  /** The circuits of this configuration, the deletion limit among them. */
  circuitNames: readonly CircuitName[];
  circuitOf: (circuit: CircuitName) => Promise<CircuitState>;
  outcomes: () => Promise<OutcomeCount[]>;
  /** Undefined without an admin, whose logins are counted. */
  logins?: (() => Promise<LoginState>) | undefined;
  rate: () => Promise<{ ratePerS?: number; pausedUntil?: number }>;
  deletions: () => Promise<PendingDeletions>;
}

/** Times in epoch milliseconds. */
export interface FleetStatus {
  at: number;
  /** Why Redis accepts no write, and what to do; undefined if it does, or if this user may not try. */
  redisRefuses?: string;
  jobs: {
    queue: string;
    isPaused: boolean;
    waiting: number;
    active: number;
    delayed: number;
    failed: number;
    completed: number;
    /** Since when the oldest waiting job waits (added or due). Undefined if none waits, or its times are impossible. */
    oldestSince?: number;
  };
  /**
   * The events of each subscriber; `failed` counts its dead letters, `isRead` says whether any worker takes events from the queue, absent
   * if unknown.
   */
  events: {
    queue: string;
    waiting: number;
    active: number;
    delayed: number;
    failed: number;
    isPaused: boolean;
    isRead?: boolean;
  }[];
  /** The most frequent first. */
  lastHour: OutcomeCount[];
  circuits: CircuitState[];
  logins?: LoginState;
  rate: { ratePerS?: number; pausedUntil?: number };
  /** Deletions scheduled by this service; deletions that other BullMQ clients added count as delayed. */
  deletions: PendingDeletions;
}

/** Returns a function that reads it. */
export function createFleetStatus(sources: FleetStatusSources): () => Promise<FleetStatus> {
  const { refusal, jobs, addedAt, events, circuitNames, circuitOf, outcomes, logins, rate } = sources;
  const oldestSince = createOldestWaiting(jobs, addedAt);
  return async () => {
    const [refused, ofJobs, ofEvents, lastHour, circuits, logIns, limit, deletions] = await Promise.all([
      refusal(),
      statusOf(jobs, oldestSince),
      Promise.all(events.map(eventsStatusOf)),
      outcomes(),
      Promise.all(circuitNames.map(circuitOf)),
      logins?.(),
      rate(),
      sources.deletions(),
    ]);
    return {
      at: Date.now(),
      ...(refused !== undefined && refused.code !== 'NOPERM' && { redisRefuses: refused.message }),
      jobs: ofJobs,
      events: ofEvents,
      lastHour,
      circuits,
      ...(logIns !== undefined && { logins: logIns }),
      rate: limit,
      deletions,
    };
  };
}

async function statusOf(
  queue: Queue,
  oldest: () => Promise<number | undefined>,
): Promise<FleetStatus['jobs']> {
  const [counts, completed, isPaused, oldestSince] = await Promise.all([
    countsOf(queue),
    queue.getCompletedCount(),
    queue.isPaused(),
    oldest(),
  ]);
  return {
    queue: queue.name,
    isPaused,
    ...counts,
    completed,
    ...(oldestSince !== undefined && { oldestSince }),
  };
}

async function eventsStatusOf(queue: Queue): Promise<FleetStatus['events'][number]> {
  const [counts, isPaused, isRead] = await Promise.all([countsOf(queue), queue.isPaused(), hasReader(queue)]);
  return { queue: queue.name, ...counts, isPaused, ...(isRead !== undefined && { isRead }) };
}

/** Jobs with a priority wait in another set. */
async function countsOf(queue: Queue) {
  const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting: waiting + prioritized, active, delayed, failed };
}
