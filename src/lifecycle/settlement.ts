/**
 * Ends a job with a known outcome: settles it, publishes its event, reduces its data to ids, unlocks its user. A run may be interrupted
 * between any two steps: the next run continues from the stored outcome.
 */
import { type EventContext, eventOf } from '../contract/event.ts';
import { isJobName } from '../contract/job.ts';
import type { Settled } from '../contract/outcome.ts';
import { jobIdOf } from '../contract/version.ts';
import type { Delivery, Pipeline } from './delivery.ts';
import { type ReadJob, erasedOf, referenceOf, retainedDataOf } from './job-data.ts';
import type {
  DeletionsChange,
  StoredOutcome,
  SettledJob,
  Settlement,
  Unchained,
} from './ports/user-state.ts';
import type { Decision } from './decision.ts';

/** What the run has learned beside the outcome. */
interface Findings {
  statement?: Unchained | undefined;
  found?: DeletionsChange['also'];
  renamed?: DeletionsChange | undefined;
}

/** The outcome to store and to publish. */
export function settlementOf(
  outcome: Settled,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
  /** Of a deletion: its receipt, and the ids that the user was found to have; of a rename or a move the user's names. */
  { statement, found, renamed }: Findings = {},
): Settlement {
  const kept = { outcome, attempts: delivery.attempt, at: pipeline.ports.now() };
  const event = eventOf(outcome, eventContext(kept, read, delivery, pipeline));
  const deletions = deletionsChangeOf(outcome, read, found) ?? renamed;
  return { outcome, attempts: kept.attempts, event, statement, deletions };
}

function deletionsChangeOf(
  outcome: Settled,
  read: ReadJob,
  also: DeletionsChange['also'],
): DeletionsChange | undefined {
  const { clientId, userId, instance = 'default' } = referenceOf(read.parsed);
  const user = { instance, clientId, userId: outcome.userId ?? userId, also };
  if (outcome.status === 'done' && outcome.type === 'user.created') return { ...user, is: 'sign-up' };
  if (read.name !== 'delete-user') return undefined;
  if (outcome.status === 'failed')
    return { ...user, is: outcome.code === 'deletion-refused' ? 'unsent' : 'failed' };
  if (outcome.status === 'done') return { ...user, is: 'done' };
  return { ...user, is: outcome.by === 'cancellation' ? 'unsent' : 'other' };
}

/**
 * Does what remains for a settled job, in this order: it publishes the event before those of the user's next jobs, and reduces the data
 * to ids before the job completes.
 */
export async function finish(
  settled: SettledJob,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Promise<Decision> {
  const { kept, event, olderFailed } = settled;
  const isErased = olderFailed.some((version) => jobIdOf(version) === delivery.id);
  const retainedData = retainedDataOf(kept, read, delivery, pipeline.cipher);
  // Without its lock the job may be gone, and another job may have its id.
  const isLost = delivery.signal.aborted;
  await Promise.all([
    event && pipeline.publish(event),
    retainedData === undefined || isLost
      ? undefined
      : delivery.keep(isErased ? erasedOf(retainedData) : retainedData),
  ]);
  if (olderFailed.length > 0) await pipeline.jobQueue.erase(olderFailed);
  // Only the stored outcome shows a later run that the job has ended.
  pipeline.userState.release(delivery.id, isLost ? { ...settled, isKept: true } : settled);
  // If it still has the job, it must not complete it with its data: the next run reduces them.
  if (isLost) return { next: 'abandoned' };
  return ended(kept, read, delivery, pipeline, event);
}

/** The decision for a settled job. Its event is the same whichever run settled it. */
export function ended(
  kept: StoredOutcome,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
  event = eventOf(kept.outcome, eventContext(kept, read, delivery, pipeline)),
): Decision {
  const { outcome } = kept;
  if (outcome.status !== 'failed') return { next: 'complete', outcome, event };
  return { next: 'fail', outcome, event, reason: `${outcome.code}: ${outcome.message}` };
}

function eventContext(
  { attempts, at }: Omit<StoredOutcome, 'outcome'>,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): EventContext {
  const { clientId, userId, instance = 'default', correlationId } = referenceOf(read.parsed);
  return {
    source: pipeline.source,
    jobId: delivery.id,
    timestamp: delivery.timestamp,
    operation: operationOf(read),
    instance,
    clientId,
    userId,
    correlationId,
    attempts,
    now: at,
  };
}

/** The job's name, if it is one of ours. */
export function operationOf({ name }: ReadJob): string {
  return isJobName(name) ? name : 'unknown';
}
