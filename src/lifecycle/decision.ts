/**
 * What the queue is to do with a job after a run: the closed set of decisions, and which outcome that goes on later means
 * which. Knows no queue.
 */
import type { UserEvent } from '../contract/event.ts';
import { type Outcome, type Held, type Retry, type Wait, failed } from '../contract/outcome.ts';
import type { CircuitName } from './ports/circuits.ts';
import type { Blocked } from './ports/user-state.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** How a run ended, and what the queue is to do with the job. */
export type Decision =
  /** `fault`: something is missing of it, which somebody has to look at. */
  | { next: 'complete'; outcome: Outcome; event: UserEvent; fault?: string }
  | { next: 'fail'; outcome: Outcome; event: UserEvent; reason: string }
  /** `isFault`, here and below: the run has met a fault that is not Damoov's, which somebody has to look at. */
  | { next: 'retry'; outcome: Outcome; delayMs: number; reason: string; isFault?: true }
  | { next: 'wait'; outcome: Outcome; delayMs: number; reason: string; isFault?: true }
  /** Another job has the user: this one is to be delayed, and looked after once more then. */
  | { next: 'blocked'; blocked: Blocked }
  /** A circuit is open: the job is to be delayed until it is promoted; with the outcome where this run itself was refused. */
  | { next: 'held'; circuit: CircuitName; outcome?: Held }
  /** The job belongs to another run by now: the queue is told nothing. */
  | { next: 'abandoned' };

/** How long a job waits whose end could not be written down, in milliseconds. */
const UNSETTLED_MS = 5000;

/** A fault that passes has passed in time, or never. */
export function endOfPatience(outcome: Outcome, attempt: number, retry: RetryPolicy): Outcome {
  const isLast = outcome.status === 'retry' && attempt >= retry.attempts;
  return isLast ? failed('retries-exhausted', outcome.reason) : outcome;
}

/**
 * A wait is a little longer for some jobs than for others: two that have blocked each other would else do so again.
 * @param random a number from 0 to below 1.
 */
export function later(
  outcome: Retry | Wait,
  attempt: number,
  retry: RetryPolicy,
  random = Math.random(),
): Decision {
  const { reason } = outcome;
  switch (outcome.status) {
    case 'wait':
      return { next: 'wait', outcome, delayMs: Math.floor(outcome.delayMs * (1 + random / 4)), reason };
    case 'retry':
      return { next: 'retry', outcome, delayMs: retryDelayMs(retry, attempt, outcome.afterMs), reason };
  }
}

/** What a run has done stands, and could not be written down, because of its `cause`. */
export class UnsettledError extends Error {
  override readonly name = 'UnsettledError';
}

/** The user state did not answer. What Damoov was told stands; the job stays in the queue until it is settled, whatever that takes. */
export function unsettled(error: unknown): Decision {
  const reason = `the job could not be settled: ${error instanceof Error ? error.name : typeof error}`;
  return {
    next: 'wait',
    outcome: { status: 'wait', reason, delayMs: UNSETTLED_MS },
    delayMs: UNSETTLED_MS,
    reason,
    isFault: true,
  };
}
