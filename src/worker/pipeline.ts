/**
 * One job's way: parse, begin, carry out, settle and publish. Knows every step and no queue; what it returns is all that
 * the queue is told.
 */
import { type EventContext, eventOf } from '../contract/event.ts';
import { type UserJob, isJobName, type ParsedJob, parseJobText } from '../contract/job.ts';
import { type Settled, failed, isSettled } from '../contract/outcome.ts';
import { msOf, versionOf } from '../contract/version.ts';
import { type Effect, type Instance, type OperationContext, GIVEN_UP } from '../operations/context.ts';
import { createUser } from '../operations/create-user.ts';
import { deleteUser } from '../operations/delete-user.ts';
import { deriveUserId } from '../operations/derive-user-id.ts';
import { updateUser } from '../operations/update-user.ts';
import { classify } from './classify.ts';
import { guardedClient } from './guarded-client.ts';
import { leaveOpen } from './open-ends.ts';
import type { Address, HeldUser, KeptSettlement, UserLedger } from './user-ledger.ts';
import { type Patience, type Verdict, endOfPatience, later, unsettled } from './verdict.ts';

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
  /** Of this run alone. */
  nonce: string;
  /** How often the job has stalled so far. */
  stalls: number;
  /** Of the lock that makes the job ours. */
  token: string;
  /** Whether a request that is sent now ends, one way or the other, while the lock holds. */
  maySend: () => boolean;
  signal: AbortSignal;
}

/** What is told of each run, for logs and metrics; without personal data. */
export interface RunReport {
  jobId: string;
  operation: string;
  instance: string;
  attempt: number;
  verdict: Verdict;
  durationMs: number;
}

export interface Pipeline extends Patience {
  jobsQueue: string;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  ports: Pick<OperationContext, 'client' | 'userIdMode' | 'now' | 'pause'>;
  ledger: UserLedger;
  onRun?: (report: RunReport) => void;
}

/** Clocks differ; but a version from the far future would be newer than all that ever comes. In milliseconds. */
const MOST_AHEAD_MS = 3_600_000;

/** Carries one delivery through. Never throws. */
export async function runJob(delivery: Delivery, pipeline: Pipeline): Promise<Verdict> {
  const { now } = pipeline.ports;
  const startedAt = now();
  const parsed = parseJobText(delivery.name, delivery.text);
  const verdict = await decide(parsed, delivery, pipeline).catch((error: unknown) => unsettled(error));
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

async function decide(parsed: ParsedJob, delivery: Delivery, pipeline: Pipeline): Promise<Verdict> {
  if (!parsed.ok) return refuse(failed('invalid-job', parsed.invalid.message), parsed, delivery, pipeline);
  const { job } = parsed;
  const instance = pipeline.instances.get(job.data.instance);
  if (instance === undefined) {
    const message = `no such instance (known: ${[...pipeline.instances.keys()].join(', ')})`;
    return refuse(failed('unknown-instance', message), parsed, delivery, pipeline);
  }
  const version = versionOf({ ...delivery, occurredAt: job.data.occurredAt });
  if (msOf(version) > pipeline.ports.now() + MOST_AHEAD_MS) {
    const message = 'occurredAt, or the job itself, is more than an hour ahead of its time';
    return refuse(failed('invalid-job', message), parsed, delivery, pipeline);
  }
  const address = addressOf(job, instance, pipeline);
  const begun = await pipeline.ledger.begin(
    runOf(delivery),
    { name: job.name, version, timestamp: delivery.timestamp },
    instance,
    address,
  );
  switch (begun.is) {
    case 'lost':
      return { next: 'lost' };
    case 'busy':
      return { next: 'parked' };
    case 'settled':
      return ended(begun.settlement, parsed, delivery, pipeline);
    case 'taken':
      return carryOut(job, begun.user, instance, delivery, pipeline, parsed);
  }
}

/** A job of which nobody can tell whose it is. */
async function refuse(
  outcome: Settled,
  parsed: ParsedJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Promise<Verdict> {
  const kept = { outcome, attempts: delivery.attempt, at: pipeline.ports.now() };
  const event = eventOf(outcome, eventContext(kept, parsed, delivery, pipeline));
  await pipeline.ledger.settleUnread(runOf(delivery), { ...kept, event });
  return ended(kept, parsed, delivery, pipeline);
}

async function carryOut(
  job: UserJob,
  begun: HeldUser,
  instance: Instance,
  delivery: Delivery,
  pipeline: Pipeline,
  parsed: ParsedJob,
): Promise<Verdict> {
  let user = begun;
  let givenUp: Verdict = { next: 'lost' };
  const { id, timestamp, maySend, signal } = delivery;
  const context: OperationContext = {
    ...pipeline.ports,
    client: guardedClient(pipeline.ports.client, maySend),
    instance,
    job: { id, timestamp, version: versionOf({ ...delivery, occurredAt: job.data.occurredAt }) },
    record: user.record,
    async claim(userId) {
      const claimed = await user.claim(userId);
      if (claimed.is === 'taken') {
        user = claimed.user;
        return user.record;
      }
      if (claimed.is === 'busy') givenUp = { next: 'parked' };
      return GIVEN_UP;
    },
    signal,
  };

  const attempt = await operate(job, context).catch((error: unknown) => ({
    outcome: classify(error),
    error,
  }));
  if (attempt === GIVEN_UP) return givenUp;
  const outcome = endOfPatience(attempt.outcome, delivery.attempt, pipeline);
  const { version } = context.job;
  const learnt = leaveOpen(job, version, user.record, { ...attempt, outcome }, pipeline.ports.now());
  if (!isSettled(outcome)) {
    return (await user.letGo(learnt)) === 'lost'
      ? { next: 'lost' }
      : later(outcome, delivery.attempt, pipeline);
  }
  const kept = { outcome, attempts: delivery.attempt, at: pipeline.ports.now() };
  const event = eventOf(outcome, eventContext(kept, parsed, delivery, pipeline));
  if ((await user.settle({ ...kept, event }, learnt)) === 'lost') return { next: 'lost' };
  return ended(kept, parsed, delivery, pipeline);
}

function operate(job: UserJob, context: OperationContext): Promise<Effect | typeof GIVEN_UP> {
  switch (job.name) {
    case 'create-user':
      return createUser(job.data, context);
    case 'update-user':
      return updateUser(job.data, context);
    case 'delete-user':
      return deleteUser(job.data, context);
  }
}

/** The job is settled, by this run or an earlier one: the event says the same either way. */
function ended(kept: KeptSettlement, parsed: ParsedJob, delivery: Delivery, pipeline: Pipeline): Verdict {
  const { outcome } = kept;
  const event = eventOf(outcome, eventContext(kept, parsed, delivery, pipeline));
  if (outcome.status !== 'failed') return { next: 'complete', outcome, event };
  return { next: 'fail', outcome, event, reason: `${outcome.code}: ${outcome.message}` };
}

function addressOf({ name, data }: UserJob, instance: Instance, { ports }: Pipeline): Address {
  const { clientId, userId } = data;
  if (
    name !== 'create-user' ||
    userId !== undefined ||
    clientId === undefined ||
    ports.userIdMode !== 'derived'
  ) {
    return { clientId, userId };
  }
  // Jobs that name the user by the id it is going to get wait in the same line.
  return { clientId, userId: deriveUserId(instance, { clientId }), userIdIs: 'derived' };
}

function runOf({ id, token, nonce, timestamp, stalls }: Delivery) {
  return { jobId: id, token, nonce, timestamp, stalls };
}

function eventContext(
  { attempts, at }: Omit<KeptSettlement, 'outcome'>,
  parsed: ParsedJob,
  delivery: Delivery,
  pipeline: Pipeline,
): EventContext {
  const { clientId, userId, instance = 'default', correlationId } = referenceOf(parsed);
  return {
    jobsQueue: pipeline.jobsQueue,
    jobId: delivery.id,
    operation: operationOf(delivery),
    instance,
    clientId,
    userId,
    correlationId,
    attempts,
    now: at,
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
