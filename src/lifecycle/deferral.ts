/**
 * A deletion that suspends its user waits in the queue after it has run once. A cancellation or a new due time may come in between.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import { type Outcome, isSettled } from '../contract/outcome.ts';
import type { Decision } from './decision.ts';
import { type Delivery, type Pipeline, runOf } from './delivery.ts';

/** It looks as often whether it is still wanted, in milliseconds: whoever cancels it may have been cut off before waking it. */
const LOOK_MS = 24 * 3_600_000;

export const AWAIT_DUE = 'it is not due yet';

/** Delays a deletion until it is due, in epoch milliseconds. */
export function deferred(
  reason: string,
  dueAt: number,
  { job, delivery }: { job: DeleteUserJob; delivery: Delivery },
  { deletions, ports }: Pipeline,
): Decision {
  const run = runOf(delivery);
  const delayMs = Math.max(1, Math.min(dueAt - ports.now(), LOOK_MS));
  return {
    next: 'deferred',
    outcome: { status: 'wait', reason, delayMs },
    delayMs,
    reason,
    async isOutdated() {
      const { suspension } = await deletions.check(run, job.data.instance, job.data);
      return suspension?.does !== 'await' || suspension.dueAt !== dueAt;
    },
  };
}

const PATIENCE_MS = 60_000;
const LONGEST_PATIENCE_MS = 3_600_000;

/**
 * A deletion is never given up because its user cannot be suspended: that is tried again until it is due.
 * @param leftMs until then.
 */
export function untilSuspended(outcome: Outcome, leftMs: number): Outcome {
  // A wait may become a quarter longer.
  const atMost = (ms: number) => Math.max(1, Math.min(ms, leftMs * 0.8));
  if (outcome.status === 'retry') {
    const { reason, afterMs = 0 } = outcome;
    return { status: 'wait', reason, delayMs: atMost(Math.max(PATIENCE_MS, afterMs)) };
  }
  if (!isSettled(outcome) || outcome.status !== 'failed') return outcome;
  const reason = `the user cannot be suspended until its deletion: ${outcome.code}: ${outcome.message}`;
  return { status: 'wait', reason, delayMs: atMost(LONGEST_PATIENCE_MS) };
}
