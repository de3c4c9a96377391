/**
 * The closed set of decisions about a job after a run, and the decision that follows from each unfinished outcome.
 */
import type { UserEvent } from '../contract/event.ts';
import { type Outcome, type Held, type Retry, type Wait, failed } from '../contract/outcome.ts';
import type { CircuitName } from './ports/circuits.ts';
import type { Blocked } from './ports/user-state.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** How a run ended, and what the queue must do with the job. */
export type Decision =
  /** `fault`: something is missing, and an operator must check it. */
  | { next: 'complete'; outcome: Outcome; event: UserEvent; fault?: string }
  | { next: 'fail'; outcome: Outcome; event: UserEvent; reason: string }
  /** `isFault`, here and below: the run met a fault that is not Damoov's; an operator must check it. */
  | { next: 'retry'; outcome: Outcome; delayMs: number; reason: string; isFault?: true }
  | { next: 'wait'; outcome: Outcome; delayMs: number; reason: string; isFault?: true }
  /** A deletion is not due yet: delay it until then. `isOutdated`: whether it was cancelled or moved meanwhile, and must run now. */
  | { next: 'deferred'; outcome: Wait; delayMs: number; reason: string; isOutdated: () => Promise<boolean> }
  /** Another job has locked the user: delay this one, then try again. */
  | { next: 'blocked'; blocked: Blocked }
  /** A circuit is open: delay the job until it is promoted. `outcome` is set if this run itself was refused. */
  | { next: 'held'; circuit: CircuitName; outcome?: Held }
  /** Another run has the job: change nothing in the queue. */
  | { next: 'abandoned' };

/** Delay of a job whose outcome could not be stored, in milliseconds. */
const UNSETTLED_MS = 5000;

/** Fails the job after its last attempt. */
export function failAfterLastAttempt(outcome: Outcome, attempt: number, retry: RetryPolicy): Outcome {
  const isLast = outcome.status === 'retry' && attempt >= retry.attempts;
  return isLast ? failed('retries-exhausted', outcome.reason) : outcome;
}

/**
 * Each wait gets a random addition: otherwise two jobs that blocked each other would do so again.
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

/** The run changed the user at Damoov, but its outcome could not be stored; see `cause`. */
export class UnsettledError extends Error {
  override readonly name = 'UnsettledError';
}

/** The user state did not answer. Requests already sent cannot be taken back; the job stays in the queue until it is settled. */
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
