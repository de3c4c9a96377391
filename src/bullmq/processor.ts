/**
 * Turns a BullMQ job into a delivery, and a decision into BullMQ's control errors, which no other file uses.
 */
import { randomUUID } from 'node:crypto';
import { DelayedError, UnrecoverableError } from 'bullmq';
import { type EventData, withoutTokens } from '../contract/event.ts';
import { unlessElsewhere } from './elsewhere.ts';
import { type Delivery, type Pipeline, runOf } from '../lifecycle/delivery.ts';
import { runJob } from '../lifecycle/pipeline.ts';
import type { Blocked } from '../lifecycle/ports/user-state.ts';
import type { Decision } from '../lifecycle/decision.ts';
import type { TextJob } from './protected-members.ts';

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

/** Gives BullMQ the delay of a failed attempt, from the decision. */
export function backoffStrategy(_attemptsMade: number, _type?: string, error?: Error): number {
  // Never 0: BullMQ would put the job at the head of the queue at once.
  return error instanceof AttemptFailed ? Math.max(1, error.delayMs) : 1000;
}

/** What the worker knows of an active job. */
export type JobLock = Pick<
  Delivery,
  'tooLargeBytes' | 'flowTimestamp' | 'isFresh' | 'isHeldByChild' | 'signal'
> & {
  /** Whether its name may stay in the queue after a failure. */
  mayKeepName: boolean;
};

/** Runs one BullMQ job; its return value is the event's data, without tokens. */
export async function processJob(
  job: TextJob,
  token: string,
  hold: JobLock,
  pipeline: Pipeline,
): Promise<EventData> {
  // The worker sets the retry policy and the retention, whatever options the job was added with.
  job.opts.attempts = pipeline.retry.attempts;
  job.opts.backoff = BACKOFF;
  delete job.opts.removeOnFail;
  delete job.opts.removeOnComplete;
  const { mayKeepName, ...known } = hold;
  if (!mayKeepName) job.opts.removeOnFail = true;
  const delivery: Delivery = {
    id: job.id ?? '',
    name: job.name,
    text: job.data,
    timestamp: sane(job.timestamp),
    // A negative delay defers nothing.
    delayMs: Math.max(0, sane(job.opts.delay ?? 0)),
    attempt: job.attemptsMade + 1,
    // The random end of the UUID: record values over 64 bytes would need a larger encoding in Redis.
    nonce: randomUUID().slice(24),
    hasRunBefore: job.attemptsStarted > 1,
    stalls: job.stalledCounter,
    scheduler: job.repeatJobKey,
    keep: (data) => keep(job, data),
    ...known,
  };
  const decision = await runJob(delivery, pipeline);
  return applyDecision(decision, delivery, { job, token, pipeline });
}

/** If Redis has lost the job, nothing needs to be kept. */
async function keep(job: TextJob, data: unknown): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- BullMQ writes down whatever it is given
  await unlessElsewhere(job.updateData(data as string));
}

/** Another client may have written anything. The result must be equal in every run, since a UserId may derive from it. */
function sane(timestamp: number): number {
  return Number.isSafeInteger(timestamp) ? timestamp : 0;
}

interface Held {
  job: TextJob;
  token: string;
  pipeline: Pipeline;
}

/** Longest delay of a held job that is not promoted, in milliseconds; with jitter. */
const HELD_MS = 3_600_000;

async function applyDecision(decision: Decision, delivery: Delivery, held: Held): Promise<EventData> {
  switch (decision.next) {
    case 'complete':
      return withoutTokens(decision.event.data);
    case 'fail':
      throw new UnrecoverableError(decision.reason);
    case 'retry':
      throw new AttemptFailed(decision.reason, decision.delayMs);
    case 'wait':
      await delay(held, decision.delayMs);
      throw new DelayedError(decision.reason);
    case 'deferred':
      await delay(held, decision.delayMs);
      if (await decision.isOutdated()) await unlessElsewhere(held.job.promote());
      throw new DelayedError(decision.reason);
    case 'blocked':
      await block(decision.blocked, delivery, held);
      throw new DelayedError(decision.next);
    case 'held':
      await delay(held, HELD_MS * (1 + Math.random()));
      throw new DelayedError(decision.next);
    case 'abandoned':
      // BullMQ drops the job without a Redis call and fetches the next.
      throw new DelayedError(decision.next);
  }
}

async function delay({ job, token }: Held, ms: number): Promise<void> {
  await unlessElsewhere(job.moveToDelayed(Date.now() + ms, token));
}

/** The run that unlocks the user promotes the oldest blocked job. If it did so before this job was delayed, this job promotes itself. */
async function block(blocked: Blocked, delivery: Delivery, held: Held): Promise<void> {
  const { job, pipeline } = held;
  // A bulk priority would put it behind the rest of an import, and every live job of this user would wait as long.
  if ((job.opts.priority ?? 0) > 0) await unlessElsewhere(job.changePriority({ priority: 0 }));
  await delay(held, blocked.patienceMs);
  if (await pipeline.userState.isFree(runOf(delivery), blocked)) await unlessElsewhere(job.promote());
}
