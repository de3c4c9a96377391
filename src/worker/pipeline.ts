/**
 * One job's way: parse, carry out, publish. Knows every step and no queue; what it returns is all that the queue is told.
 */
import { type EventContext, type UserEvent, eventOf } from '../contract/event.ts';
import { type UserJob, isJobName, type ParsedJob, parseJobText } from '../contract/job.ts';
import { type Outcome, failed, isSettled } from '../contract/outcome.ts';
import type { Instance, OperationContext } from '../operations/context.ts';
import { createUser } from '../operations/create-user.ts';
import { deleteUser } from '../operations/delete-user.ts';
import { updateUser } from '../operations/update-user.ts';
import { classify } from './classify.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** One delivery of a job, as the queue hands it over. */
export interface Delivery {
  id: string;
  name: string;
  /** The data as it lies in the queue: JSON text that nobody has looked at. */
  text: string;
  /** When the job was added, in epoch milliseconds. */
  timestamp: number;
  /** The attempt this is, from 1; runs that only waited do not count. */
  attempt: number;
  isRepeated: boolean;
  wasInterrupted: boolean;
  signal: AbortSignal;
}

/** How a run ended, and what the queue is to do with the job. */
export type Verdict =
  | { next: 'complete'; outcome: Outcome; event: UserEvent }
  | { next: 'fail'; outcome: Outcome; event: UserEvent; reason: string }
  | { next: 'retry'; outcome: Outcome; delayMs: number; reason: string }
  | { next: 'wait'; outcome: Outcome; delayMs: number; reason: string };

/** What is told of each run, for logs and metrics; without personal data. */
export interface RunReport {
  jobId: string;
  operation: string;
  instance: string;
  attempt: number;
  verdict: Verdict;
  durationMs: number;
}

export interface Pipeline {
  jobsQueue: string;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  ports: Pick<OperationContext, 'client' | 'directory' | 'userIdMode' | 'now' | 'pause'>;
  retry: RetryPolicy;
  /** How long a job waits that needs a refused credential, in milliseconds. */
  quarantineMs: number;
  publish: (event: UserEvent) => Promise<void>;
  onRun?: (report: RunReport) => void;
}

/** How long a job waits whose event could not be published, in milliseconds. */
const UNPUBLISHED_MS = 5000;

/** Carries one delivery through. Never throws. */
export async function runJob(delivery: Delivery, pipeline: Pipeline): Promise<Verdict> {
  const { now } = pipeline.ports;
  const startedAt = now();
  const parsed = parseJobText(delivery.name, delivery.text);
  const verdict = await decide(await carryOut(parsed, delivery, pipeline), parsed, delivery, pipeline);
  pipeline.onRun?.({
    jobId: delivery.id,
    operation: operationOf(delivery),
    instance: knownInstance(referenceOf(parsed).instance, pipeline),
    attempt: delivery.attempt,
    verdict,
    durationMs: now() - startedAt,
  });
  return verdict;
}

async function carryOut(parsed: ParsedJob, delivery: Delivery, pipeline: Pipeline): Promise<Outcome> {
  if (!parsed.ok) return failed('invalid-job', parsed.invalid.message);
  const { job } = parsed;
  const instance = pipeline.instances.get(job.data.instance);
  if (instance === undefined) {
    return failed(
      'unknown-instance',
      `no such instance (known: ${[...pipeline.instances.keys()].join(', ')})`,
    );
  }
  const { id, timestamp, isRepeated, wasInterrupted, signal } = delivery;
  const context: OperationContext = {
    ...pipeline.ports,
    instance,
    job: { id, timestamp, isRepeated, wasInterrupted },
    signal,
  };
  try {
    return await operate(job, context);
  } catch (error) {
    return classify(error);
  }
}

function operate(job: UserJob, context: OperationContext): Promise<Outcome> {
  switch (job.name) {
    case 'create-user':
      return createUser(job.data, context);
    case 'update-user':
      return updateUser(job.data, context);
    case 'delete-user':
      return deleteUser(job.data, context);
  }
}

async function decide(
  outcome: Outcome,
  parsed: ParsedJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Promise<Verdict> {
  if (isSettled(outcome)) {
    const event = eventOf(outcome, eventContext(parsed, delivery, pipeline));
    try {
      await pipeline.publish(event);
    } catch (error) {
      // The effect stands; the job stays in the queue until its event is out, whatever that takes.
      const reason = `the event could not be published: ${error instanceof Error ? error.name : typeof error}`;
      return { next: 'wait', outcome, delayMs: UNPUBLISHED_MS, reason };
    }
    if (outcome.status !== 'failed') return { next: 'complete', outcome, event };
    return { next: 'fail', outcome, event, reason: `${outcome.code}: ${outcome.message}` };
  }
  switch (outcome.status) {
    case 'wait':
      return { next: 'wait', outcome, delayMs: outcome.delayMs, reason: outcome.reason };
    case 'quarantine':
      return { next: 'wait', outcome, delayMs: pipeline.quarantineMs, reason: outcome.reason };
    case 'retry': {
      if (delivery.attempt >= pipeline.retry.attempts) {
        return decide(failed('retries-exhausted', outcome.reason), parsed, delivery, pipeline);
      }
      const delayMs = retryDelayMs(pipeline.retry, delivery.attempt, outcome.afterMs);
      return { next: 'retry', outcome, delayMs, reason: outcome.reason };
    }
  }
}

function eventContext(parsed: ParsedJob, delivery: Delivery, pipeline: Pipeline): EventContext {
  const { clientId, userId, instance = 'default', correlationId } = referenceOf(parsed);
  return {
    jobsQueue: pipeline.jobsQueue,
    jobId: delivery.id,
    operation: operationOf(delivery),
    instance,
    clientId,
    userId,
    correlationId,
    attempts: delivery.attempt,
    now: pipeline.ports.now(),
  };
}

function referenceOf(parsed: ParsedJob): {
  clientId?: string | undefined;
  userId?: string | undefined;
  instance?: string | undefined;
  correlationId?: string | undefined;
} {
  return parsed.ok ? parsed.job.data : parsed.invalid.reference;
}

/** A name that nobody configured may be anything, an email too, and does not belong into a log. */
function knownInstance(name = 'default', { instances }: Pipeline): string {
  return instances.has(name) ? name : 'unknown';
}

function operationOf({ name }: Delivery): string {
  return isJobName(name) ? name : 'unknown';
}
