/**
 * A deletion that suspends its user waits in the queue after it has run once. A cancellation or a new due time may come in between.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import { type Outcome, isSettled } from '../contract/outcome.ts';
import type { Decision } from './decision.ts';
import { type Delivery, type Pipeline, runOf } from './delivery.ts';

/** Interval at which it checks whether it is still wanted, in milliseconds: a process that cancels it may die before it wakes it. */
const LOOK_MS = 24 * 3_600_000;

/** It is due by Redis' clock; the worker's may be ahead. */
const SHORTEST_MS = 1000;

export const AWAIT_DUE = 'it is not due yet';

/** What the next run does if nothing changes. `delayMs`: the time until that run; default: until it is due. */
interface Waits {
  does: 'await' | 'suspend';
  dueAt: number;
  delayMs?: number;
}

/** Delays a deletion until it is due, in epoch milliseconds. */
export function deferred(
  reason: string,
  { does, dueAt, delayMs: asked }: Waits,
  { job, delivery }: { job: DeleteUserJob; delivery: Delivery },
  { deletions, ports }: Pipeline,
): Decision {
  const run = runOf(delivery);
  const delayMs = Math.max(SHORTEST_MS, Math.min(asked ?? LOOK_MS, dueAt - ports.now(), LOOK_MS));
  return {
    next: 'deferred',
    outcome: { status: 'wait', reason, delayMs },
    delayMs,
    reason,
    async isOutdated() {
      const { suspension } = await deletions.check(run, job.data.instance, job.data);
      return suspension?.does !== does || suspension.dueAt !== dueAt;
    },
  };
}

const PATIENCE_MS = 60_000;
const LONGEST_PATIENCE_MS = 3_600_000;

/** A refused suspension never stops the deletion: it is tried again until the deletion is due. */
export function untilSuspended(outcome: Outcome): Outcome {
  if (outcome.status === 'retry') {
    const { reason, afterMs = 0 } = outcome;
    return { status: 'wait', reason, delayMs: Math.max(PATIENCE_MS, afterMs) };
  }
  if (!isSettled(outcome) || outcome.status !== 'failed') return outcome;
  const reason = `the user cannot be suspended until its deletion: ${outcome.code}: ${outcome.message}`;
  return { status: 'wait', reason, delayMs: LONGEST_PATIENCE_MS };
}
