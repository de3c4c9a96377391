/**
 * How the whole fleet stands, read from Redis in one go: queues, what ended lately, what holds jobs back. Its cost does not grow
 * with the number of jobs. Knows no way to show it.
 */
import type { Queue } from 'bullmq';
import { createDeletionsGlance, type PendingDeletions } from '../redis/deletions/glance.ts';
import type { GateState } from '../redis/gates/gate-state.ts';
import type { OutcomeCount } from '../redis/ledger/outcome-counts.ts';
import { createOldestWaiting } from '../redis/oldest-waiting.ts';
import type { RedisRefusedError } from '../redis/refusal.ts';
import type { GateName } from '../worker/gates.ts';
import { hasReader } from '../redis/queue-reader.ts';
import type { LoginState } from '../redis/session/login-budget.ts';
import { kept } from './kept.ts';

export interface FleetStatusSources {
  /** Why Redis takes no write. */
  refusal: () => Promise<RedisRefusedError | undefined>;
  jobs: Queue;
  events: readonly Queue[];
  /** The gates of this configuration, the brake among them. */
  gateNames: readonly GateName[];
  gateOf: (gate: GateName) => Promise<GateState>;
  outcomes: () => Promise<OutcomeCount[]>;
  /** Undefined where there is no admin whose log-ins could be counted. */
  logins?: (() => Promise<LoginState>) | undefined;
  rate: () => Promise<{ ratePerS?: number; pausedUntil?: number }>;
  /** How long what was seen of the pending deletions is taken to be so, in milliseconds: it costs most of all. Default 0. */
  keepDeletionsMs?: number;
}

/** Times in epoch milliseconds. */
export interface FleetStatus {
  at: number;
  /** Why Redis takes no write, and what to do; undefined where it does, and where who asks may not try. */
  redisRefuses?: string;
  jobs: {
    queue: string;
    isPaused: boolean;
    waiting: number;
    active: number;
    delayed: number;
    failed: number;
    completed: number;
    /** Since when the job waits that has waited longest: added, or due then. Undefined where none waits, or its times are impossible. */
    oldestSince?: number;
  };
  /**
   * What each of the subscribing services has before it; `failed` is what it has given up, `isRead` whether any worker takes events from
   * the queue, absent where nobody can tell.
   */
  events: {
    queue: string;
    waiting: number;
    active: number;
    delayed: number;
    failed: number;
    isRead?: boolean;
  }[];
  /** The most frequent first. */
  lastHour: OutcomeCount[];
  gates: GateState[];
  logins?: LoginState;
  rate: { ratePerS?: number; pausedUntil?: number };
  deletions: PendingDeletions;
}

/** Answers how to read it, as often as is wanted. */
export function createFleetStatus(sources: FleetStatusSources): () => Promise<FleetStatus> {
  const { refusal, jobs, events, gateNames, gateOf, outcomes, logins, rate, keepDeletionsMs = 0 } = sources;
  const oldestSince = createOldestWaiting(jobs);
  const glance = kept(createDeletionsGlance(jobs), keepDeletionsMs);
  return async () => {
    const [refused, ofJobs, ofEvents, lastHour, gates, logIns, limit, deletions] = await Promise.all([
      refusal(),
      statusOf(jobs, oldestSince),
      Promise.all(events.map(eventsStatusOf)),
      outcomes(),
      Promise.all(gateNames.map(gateOf)),
      logins?.(),
      rate(),
      glance(),
    ]);
    return {
      at: Date.now(),
      ...(refused !== undefined && refused.code !== 'NOPERM' && { redisRefuses: refused.message }),
      jobs: ofJobs,
      events: ofEvents,
      lastHour,
      gates,
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
  const [counts, isRead] = await Promise.all([countsOf(queue), hasReader(queue)]);
  return { queue: queue.name, ...counts, ...(isRead !== undefined && { isRead }) };
}

/** Those with a priority wait in another set. */
async function countsOf(queue: Queue) {
  const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting: waiting + prioritized, active, delayed, failed };
}
