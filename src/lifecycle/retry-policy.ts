/**
 * How often and how late a job is tried again: exponential backoff with full jitter. Immutable.
 */

export interface RetryPolicy {
  /** Maximum number of attempts, the first one included. */
  attempts: number;
  /** The longest delay after the first attempt, in milliseconds; it doubles with each further one. */
  baseMs: number;
  /** Upper limit of the delay, in milliseconds. */
  maxMs: number;
}

/** 15 attempts, from 1 s to 10 min: about an hour and a half at the most, three quarters of an hour on average. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 15, baseMs: 1000, maxMs: 600_000 };

/** A Retry-After above an hour is a server mistake, and a job that waits for years is lost. */
const LONGEST_FLOOR_MS = 3_600_000;

/**
 * The delay before the next attempt, in milliseconds: drawn evenly from zero to the attempt's longest delay, so that jobs
 * that failed together do not come back together.
 * @param attempt the attempt that just failed, from 1.
 * @param floorMs the server's Retry-After, at most an hour; the random delay is added to it.
 * @param random a number from 0 to below 1.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  floorMs = 0,
  random = Math.random(),
): number {
  const longestMs = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1));
  return Math.ceil(Math.min(floorMs, LONGEST_FLOOR_MS)) + Math.ceil(random * longestMs);
}
