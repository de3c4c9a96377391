/**
 * Where a job leaves BullMQ and comes back: turns a BullMQ job into a delivery, and a verdict into what BullMQ wants.
 * The only file that speaks BullMQ's control errors.
 */
import { randomUUID } from 'node:crypto';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import { type EventData, withoutTokens } from '../contract/event.ts';
import type { Delivery, Pipeline } from './delivery.ts';
import { runJob } from './pipeline.ts';
import type { Verdict } from './verdict.ts';

/** Names the worker's own backoff, so that a job added with no options, or with others, gets it. */
const BACKOFF = { type: 'lifecycle' };

/** A failed attempt; carries the delay that the retry policy has drawn. */
class AttemptFailed extends Error {
  override readonly name = 'AttemptFailed';
  readonly delayMs: number;

  constructor(reason: string, delayMs: number) {
    super(reason);
    this.delayMs = delayMs;
  }
}

/** BullMQ asks for the delay of a failed attempt: the verdict has it. */
export function backoffStrategy(_attemptsMade: number, _type?: string, error?: Error): number {
  // Never 0: BullMQ would put the job at the head of the queue at once.
  return error instanceof AttemptFailed ? Math.max(1, error.delayMs) : 1000;
}

/** A job whose data is still the text that lies in Redis. */
export type TextJob = Job<string, EventData>;

/** What the worker knows of a job that it holds. */
export type JobHold = Pick<
  Delivery,
  'tooLargeBytes' | 'flowTimestamp' | 'maySend' | 'completion' | 'isHeldByChild' | 'signal'
>;

/** Runs one BullMQ job; its return value is the event's data, without tokens. */
export async function processJob(
  job: TextJob,
  token: string,
  hold: JobHold,
  pipeline: Pipeline,
): Promise<EventData> {
  // The retry policy and what is kept of a job are the worker's, whatever the job was added with.
  job.opts.attempts = pipeline.retry.attempts;
  job.opts.backoff = BACKOFF;
  delete job.opts.removeOnFail;
  delete job.opts.removeOnComplete;
  const verdict = await runJob(
    {
      id: job.id ?? '',
      name: job.name,
      text: job.data,
      timestamp: sane(job.timestamp),
      // A negative delay defers nothing.
      delayMs: Math.max(0, sane(job.opts.delay ?? 0)),
      attempt: job.attemptsMade + 1,
      nonce: randomUUID(),
      stalls: job.stalledCounter,
      token,
      ...hold,
    },
    pipeline,
  );
  return tellQueue(verdict, job, token);
}

/** Another client may have written anything; and it has to be the same in every run, since a UserId may derive from it. */
function sane(timestamp: number): number {
  return Number.isSafeInteger(timestamp) ? timestamp : 0;
}

async function tellQueue(verdict: Verdict, job: TextJob, token: string): Promise<EventData> {
  switch (verdict.next) {
    case 'complete':
      return withoutTokens(verdict.event.data);
    case 'fail':
      throw new UnrecoverableError(verdict.reason);
    case 'retry':
      throw new AttemptFailed(verdict.reason, verdict.delayMs);
    case 'wait':
      await job.moveToDelayed(Date.now() + verdict.delayMs, token);
      throw new DelayedError(verdict.reason);
    case 'parked':
    case 'held':
    case 'lost':
      // The job is delayed already, or another run's: BullMQ lets go of it without a word to Redis, and fetches the next.
      throw new DelayedError(verdict.next);
  }
}
