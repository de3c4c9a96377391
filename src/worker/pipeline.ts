/**
 * One job's way: parse, begin, carry out, settle and publish. Knows every step and no queue; what it returns is all that
 * the queue is told.
 */
import { type EventContext, eventOf } from '../contract/event.ts';
import { type UserJob, isJobName } from '../contract/job.ts';
import { type Gate, type Settled, failed, isSettled } from '../contract/outcome.ts';
import { msOf, versionOf } from '../contract/version.ts';
import type { DamoovOperation } from '../damoov/errors.ts';
import {
  type Effect,
  type Instance,
  type Learnt,
  type OperationContext,
  GIVEN_UP,
} from '../operations/context.ts';
import { createUser } from '../operations/create-user.ts';
import { deleteUser } from '../operations/delete-user.ts';
import { deriveUserId } from '../operations/derive-user-id.ts';
import { superseded } from '../operations/newer-knowledge.ts';
import { updateUser } from '../operations/update-user.ts';
import { classify } from './classify.ts';
import { type Gates, gateName, gatesOf } from './gates.ts';
import { type ReadJob, readJob, referenceOf, remainsOf } from './job-data.ts';
import { leaveOpen } from './open-ends.ts';
import type { DeletionGuard } from './deletion-guard.ts';
import { type Receipts, receiptOf } from './receipt.ts';
import type { Seal } from './seal.ts';
import type {
  Address,
  Begun,
  HeldUser,
  KeptSettlement,
  Settlement,
  UserLedger,
  Whose,
} from './user-ledger.ts';
import { type Verdict, endOfPatience, later, unsettled } from './verdict.ts';
import { watchedClient } from './watched-client.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { RunWitness, Witness } from './witness.ts';

/** One delivery of a job, as the queue hands it over. */
export interface Delivery {
  id: string;
  name: string;
  /** The data as it lies in the queue: JSON text that nobody has looked at. */
  text: string;
  /** When the job was added, in epoch milliseconds. */
  timestamp: number;
  /** For how long it was deferred when it was added, in milliseconds. */
  delayMs: number;
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

export interface Pipeline {
  jobsQueue: string;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  ports: Pick<OperationContext, 'client' | 'userIdMode' | 'now' | 'pause'>;
  ledger: UserLedger;
  seal: Seal;
  gates: Gates;
  /** Asked before each deletion whether it is still wanted. */
  deletions: DeletionGuard;
  witness: Witness;
  receipts: Receipts;
  retry: RetryPolicy;
  onRun?: (report: RunReport) => void;
}

const REFUSED = 'an operator has refused it, as more deletions were due than are allowed in an hour';

/** How long a job waits that Damoov does not answer here, while it answers others; another worker may take it then. */
const ELSEWHERE_MS = 1000;

/** Clocks differ; but a version from the far future would be newer than all that ever comes. In milliseconds. */
const MOST_AHEAD_MS = 3_600_000;

/** Carries one delivery through. Never throws. */
export async function runJob(delivery: Delivery, pipeline: Pipeline): Promise<Verdict> {
  const { now } = pipeline.ports;
  const startedAt = now();
  const read = readJob(delivery, pipeline.seal);
  const verdict = await decide(read, delivery, pipeline).catch((error: unknown) => unsettled(error));
  pipeline.onRun?.({
    jobId: delivery.id,
    operation: operationOf(read),
    instance: knownInstance(referenceOf(read.parsed).instance, pipeline),
    attempt: delivery.attempt,
    verdict,
    durationMs: now() - startedAt,
  });
  return verdict;
}

async function decide(read: ReadJob, delivery: Delivery, pipeline: Pipeline): Promise<Verdict> {
  const { parsed } = read;
  if (read.isErased) return settleAside(superseded('deletion'), read, delivery, pipeline);
  if (!parsed.ok) return settleAside(failed('invalid-job', parsed.invalid.message), read, delivery, pipeline);
  const { job } = parsed;
  const instance = pipeline.instances.get(job.data.instance);
  if (instance === undefined) {
    const message = `no such instance (known: ${[...pipeline.instances.keys()].join(', ')})`;
    return settleAside(failed('unknown-instance', message), read, delivery, pipeline);
  }
  const version = versionOf({ ...delivery, occurredAt: job.data.occurredAt });
  if (msOf(version) > pipeline.ports.now() + MOST_AHEAD_MS) {
    const message = 'occurredAt, or the job itself, is more than an hour ahead of its time';
    return settleAside(failed('invalid-job', message), read, delivery, pipeline);
  }
  const address = addressOf(job, instance, pipeline);
  const begun = await pipeline.ledger.begin(
    runOf(delivery),
    { name: job.name, version, timestamp: delivery.timestamp },
    instance,
    address,
    gatesOf(job.name, job.data.instance),
  );
  switch (begun.is) {
    case 'lost':
      return { next: 'lost' };
    case 'busy':
      return { next: 'parked' };
    case 'held':
      return { next: 'held', gate: begun.gate };
    case 'cancelled':
      return settleAside(superseded('cancellation', job.data.userId), read, delivery, pipeline);
    case 'refused':
      return settleAside(failed('deletion-refused', REFUSED, job.data.userId), read, delivery, pipeline);
    case 'settled':
      return ended(begun.settlement, read, delivery, pipeline);
    case 'taken':
      return carryOut({ job, read, instance, delivery }, begun, pipeline);
  }
}

/** A job that needs no user: nobody can tell whose it is or what it said, or nothing is to be done. */
async function settleAside(
  outcome: Settled,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Promise<Verdict> {
  const kept = { outcome, attempts: delivery.attempt, at: pipeline.ports.now() };
  const settlement = settlementOf(kept, read, delivery, pipeline);
  // Of a job that is settled only its ids are left, which may be too little to read.
  const whose = whoseOf(read, delivery, pipeline);
  const earlier = await pipeline.ledger.settleUnread(runOf(delivery), settlement, whose);
  return ended(earlier ?? kept, read, delivery, pipeline);
}

/** Whom a job concerns that cannot be carried out: what it says is erased with that user. */
function whoseOf({ parsed }: ReadJob, delivery: Delivery, { instances }: Pipeline): Whose | undefined {
  const { clientId, userId, occurredAt, instance: name = 'default' } = referenceOf(parsed);
  const instance = instances.get(name);
  if (instance === undefined || (clientId === undefined && userId === undefined)) return undefined;
  return { instance, address: { clientId, userId }, version: versionOf({ ...delivery, occurredAt }) };
}

/** A job that is read, of an instance that is known. */
interface Readable {
  job: UserJob;
  read: ReadJob;
  instance: Instance;
  delivery: Delivery;
}

/** Carries the job out; where the run was to try a gate for all, says how that went. */
async function carryOut(readable: Readable, begun: Taken, pipeline: Pipeline): Promise<Verdict> {
  const { job, delivery } = readable;
  const seen = pipeline.witness.follow(delivery.id, job.data.instance, begun.passage);
  const verdict = await takeIn(readable, begun, seen, pipeline);
  for (const gate of begun.passage.probes) {
    const isRefused = verdict.next === 'held' && verdict.gate === gate;
    if (!isRefused) await pipeline.gates.probed(runOf(delivery), gate, seen.hasPassed(gate));
  }
  return verdict;
}

type Taken = Extract<Begun, { is: 'taken' }>;

async function takeIn(
  { job, read, instance, delivery }: Readable,
  begun: Taken,
  seen: RunWitness,
  pipeline: Pipeline,
): Promise<Verdict> {
  let { user } = begun;
  let givenUp: Verdict = { next: 'lost' };
  let hasCommitted = false;
  const { id, timestamp, maySend, signal } = delivery;
  const watch = {
    maySend,
    isAdminShut: begun.passage.shut.includes('admin'),
    passed: (gate: Gate, operation: DamoovOperation) => seen.passed(gate, operation),
  };
  const context: OperationContext = {
    ...pipeline.ports,
    client: watchedClient(pipeline.ports.client, watch),
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
    async commitDeletion(ids, kind) {
      const answer = await pipeline.deletions.commit(runOf(delivery), job.data.instance, ids, kind);
      if (answer === 'lost') return GIVEN_UP;
      hasCommitted = answer === 'go';
      return answer;
    },
    signal,
  };

  const attempt = await operate(job, context).catch((error: unknown) => ({
    outcome: classify(error),
    error,
  }));
  if (attempt === GIVEN_UP) return givenUp;
  const error = 'error' in attempt ? attempt.error : undefined;
  const outcome = endOfPatience(seen.weigh(attempt.outcome, error), delivery.attempt, pipeline.retry);
  const { version } = context.job;
  const end = { ...attempt, outcome, hasCommitted };
  const learnt = leaveOpen(job, version, user.record, end, pipeline.ports.now());
  if (!isSettled(outcome)) {
    if ((await user.letGo(learnt)) === 'lost') return { next: 'lost' };
    if (outcome.status !== 'quarantine') return later(outcome, delivery.attempt, pipeline.retry);
    const gate = gateName(outcome.gate, job.data.instance);
    const refused = await pipeline.gates.refuse(runOf(delivery), version, { ...outcome, gate });
    if (refused !== 'open') return refused === 'held' ? { next: 'held', gate, outcome } : { next: 'lost' };
    const wait = { status: 'wait', reason: outcome.reason, delayMs: ELSEWHERE_MS } as const;
    return later(wait, delivery.attempt, pipeline.retry);
  }
  return settle(outcome, { job, read, instance, delivery }, user, learnt, pipeline);
}

/** Settles the job: a deletion with its receipt, written anew where the chain of its instance has gone on meanwhile. */
async function settle(
  outcome: Settled,
  { job, read, instance, delivery }: Readable,
  user: HeldUser,
  learnt: Learnt,
  pipeline: Pipeline,
): Promise<Verdict> {
  for (;;) {
    const attested =
      job.name === 'delete-user' && outcome.status === 'done' && outcome.type === 'user.deleted'
        ? { ...outcome, receipt: await receiptOf(outcome, job, instance, delivery, pipeline.receipts) }
        : outcome;
    const kept = { outcome: attested, attempts: delivery.attempt, at: pipeline.ports.now() };
    const end = await user.settle(settlementOf(kept, read, delivery, pipeline), learnt);
    if (end === 'lost') return { next: 'lost' };
    if (end === 'ok') return ended(kept, read, delivery, pipeline);
  }
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
function ended(kept: KeptSettlement, read: ReadJob, delivery: Delivery, pipeline: Pipeline): Verdict {
  const { outcome } = kept;
  const event = eventOf(outcome, eventContext(kept, read, delivery, pipeline));
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

function settlementOf(
  kept: KeptSettlement,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Settlement {
  const { outcome, attempts } = kept;
  const event = eventOf(outcome, eventContext(kept, read, delivery, pipeline));
  return { outcome, attempts, event, remains: remainsOf(outcome, read, delivery.text, pipeline.seal) };
}

function eventContext(
  { attempts, at }: Omit<KeptSettlement, 'outcome'>,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): EventContext {
  const { clientId, userId, instance = 'default', correlationId } = referenceOf(read.parsed);
  return {
    jobsQueue: pipeline.jobsQueue,
    jobId: delivery.id,
    operation: operationOf(read),
    instance,
    clientId,
    userId,
    correlationId,
    attempts,
    now: at,
  };
}

/** A name that nobody configured may be anything, an email too, and does not belong into a log. */
function knownInstance(name = 'default', { instances }: Pipeline): string {
  return instances.has(name) ? name : 'unknown';
}

function operationOf({ name }: ReadJob): string {
  return isJobName(name) ? name : 'unknown';
}
