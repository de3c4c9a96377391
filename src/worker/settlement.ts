/**
 * How the end of a job is told: to the ledger, which keeps it and publishes its event, and to the queue. Decides nothing.
 */
import { type EventContext, eventOf } from '../contract/event.ts';
import { isJobName } from '../contract/job.ts';
import type { Delivery, Pipeline } from './delivery.ts';
import { type ReadJob, referenceOf, remainsOf } from './job-data.ts';
import type { KeptSettlement, Settlement } from './user-ledger.ts';
import type { Verdict } from './verdict.ts';

/** The job is settled, by this run or an earlier one: the event says the same either way. */
export function ended(kept: KeptSettlement, read: ReadJob, delivery: Delivery, pipeline: Pipeline): Verdict {
  const { outcome } = kept;
  const event = eventOf(outcome, eventContext(kept, read, delivery, pipeline));
  if (outcome.status !== 'failed') return { next: 'complete', outcome, event };
  return { next: 'fail', outcome, event, reason: `${outcome.code}: ${outcome.message}` };
}

/** What the ledger is to keep and to publish. */
export function settlementOf(
  kept: KeptSettlement,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Settlement {
  const { outcome, attempts } = kept;
  const event = eventOf(outcome, eventContext(kept, read, delivery, pipeline));
  const remains = remainsOf(outcome, read, delivery, pipeline.seal);
  const completion = outcome.status === 'failed' ? undefined : delivery.completion;
  const isSignUp = outcome.status === 'done' && outcome.type === 'user.created';
  const { clientId, instance = 'default' } = referenceOf(read.parsed);
  const returned = isSignUp ? { instance, clientId, userId: outcome.userId } : undefined;
  return { outcome, attempts, event, remains, returned, completion };
}

function eventContext(
  { attempts, at }: Omit<KeptSettlement, 'outcome'>,
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

/** The job's name, where it is one of ours. */
export function operationOf({ name }: ReadJob): string {
  return isJobName(name) ? name : 'unknown';
}
