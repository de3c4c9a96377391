/**
 * Failed jobs without the runs that would fail them, laid out as BullMQ does; a test compares one with a real one.
 */
import type { Redis } from 'ioredis';

export interface FailedJobsToMake {
  count: number;
  /** Default `user-jobs`. */
  queue?: string;
  /** Of the first one, which is `${start}-1`. Default `job`. */
  idStart?: string;
  name?: string;
  data?: unknown;
  reason?: string;
  attempts?: number;
  /** Epoch milliseconds. */
  failedAt?: number;
  /** Between one failure and the next. Default 1. */
  stepMs?: number;
}

const MAKE = `
local base, idStart, first, last, failedAt, stepMs = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
for i = first, last do
  local id, at = idStart .. '-' .. i, string.format('%.0f', failedAt + (i - 1) * stepMs)
  redis.call('HSET', base .. id, 'name', ARGV[6], 'data', ARGV[7], 'opts', '{"attempts":0}', 'timestamp', '1700000000000', 'delay', '0',
    'priority', '0', 'ats', ARGV[9], 'atm', ARGV[9], 'processedOn', at, 'finishedOn', at, 'pb', 'x', 'stacktrace', '[]',
    'failedReason', ARGV[8])
  redis.call('ZADD', base .. 'failed', at, id)
end`;

/** Number per script: Redis is blocked meanwhile. */
const CHUNK = 5000;

/** Adds failed jobs to a queue under the prefix. */
export async function makeFailedJobs(redis: Redis, prefix: string, jobs: FailedJobsToMake): Promise<void> {
  const { count, idStart = 'job', name = 'create-user', data = { clientId: 'c-1' }, attempts = 15 } = jobs;
  const {
    reason = 'retries-exhausted: create: status 503',
    failedAt = Date.now() - 3_600_000,
    stepMs = 1,
  } = jobs;
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  for (let first = 1; first <= count; first += CHUNK) {
    const last = Math.min(count, first + CHUNK - 1);
    await redis.eval(
      MAKE,
      1,
      `${prefix}:${jobs.queue ?? 'user-jobs'}:`,
      idStart,
      first,
      last,
      failedAt,
      stepMs,
      name,
      text,
      reason,
      attempts,
    );
  }
}
