/**
 * Runs one job: parse, lock, carry out, settle and publish. Knows every step and no queue: the queue only gets the returned decision.
 */
import type { DeleteUserJob, UserJob } from '../contract/job.ts';
import { type Retry, type Settled, failed, isSettled } from '../contract/outcome.ts';
import { versionOf } from '../contract/version.ts';
import type { Instance, Suspension } from '../operations/context.ts';
import { deriveUserId } from '../operations/derive-user-id.ts';
import { superseded } from '../operations/newer-knowledge.ts';
import { carryOut } from './carry-out.ts';
import { describeUnexpected } from './classify.ts';
import { type Delivery, type Pipeline, runOf, versionOfDelivery } from './delivery.ts';
import { AWAIT_DUE, deferred } from './suspended-deletion.ts';
import { circuitsOf } from './ports/circuits.ts';
import { type ReadJob, readJob, referenceOf } from './job-data.ts';
import { retryDelayMs } from './retry-policy.ts';
import { finish, operationOf, settlementOf } from './settlement.ts';
import type { Address, StoredOutcome, Whose } from './ports/user-state.ts';
import { type Decision, UnsettledError, failAfterLastAttempt, unsettled } from './decision.ts';

const REFUSED = 'an operator refused it: more deletions were due than are allowed in an hour';

const CHILD_FAILED = 'a job that it depends on (its child in a flow) has failed or is not done yet';

/** Carries one delivery through. Never throws. */
export async function runJob(delivery: Delivery, pipeline: Pipeline): Promise<Decision> {
  const { now } = pipeline.ports;
  const startedAt = now();
  const read = readable(delivery, pipeline);
  const decision = await decide(read, delivery, pipeline).catch((error: unknown) =>
    endOfFault(error, read, delivery, pipeline),
  );
  pipeline.onRun?.({
    jobId: delivery.id,
    operation: operationOf(read),
    instance: knownInstance(referenceOf(read.parsed).instance, pipeline),
    attempt: delivery.attempt,
    decision,
    durationMs: now() - startedAt,
    sinceDueMs: Math.max(0, now() - dueAtOf(delivery)),
  });
  return decision;
}

/** A time that another client has set may be anything. */
function dueAtOf({ dueAt, timestamp, delayMs }: Delivery): number {
  return dueAt ?? timestamp + delayMs;
}

/** A job that cannot be read now cannot be read later either. */
function readable(delivery: Delivery, { cipher, ports }: Pipeline): ReadJob {
  try {
    return readJob(delivery, cipher, ports.now());
  } catch (error) {
    const message = `the data cannot be read: ${describeUnexpected(error)}`;
    const invalid = { message, faults: [{ path: '', message }], reference: {} };
    return { name: delivery.name, parsed: { ok: false, invalid } };
  }
}

/**
 * An outage is waited for. Any other fault would repeat, so it ends the job: at once if a retry would repeat the effect, else after its
 * attempts. If storing that outcome fails too, BullMQ's attempts end the job.
 */
async function endOfFault(
  thrown: unknown,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Promise<Decision> {
  const { attempt } = delivery;
  const isAfterEffect = thrown instanceof UnsettledError;
  const error = isAfterEffect ? thrown.cause : thrown;
  if (pipeline.outageOf(error) !== undefined) return unsettled(error);
  const reason = `unexpected ${describeUnexpected(error)}`;
  const retry: Retry = { status: 'retry', reason };
  const delayMs = retryDelayMs(pipeline.retry, attempt);
  const again: Decision = { next: 'retry', outcome: retry, delayMs, reason, isFault: true };
  const outcome = isAfterEffect
    ? failed('outcome-unknown', `its outcome cannot be stored: ${reason}`)
    : failAfterLastAttempt(retry, attempt, pipeline.retry);
  if (!isSettled(outcome)) return again;
  return settleWithoutUser(outcome, read, delivery, pipeline).catch((error: unknown) =>
    pipeline.outageOf(error) !== undefined ? unsettled(error) : again,
  );
}

async function decide(read: ReadJob, added: Delivery, pipeline: Pipeline): Promise<Decision> {
  let delivery = added;
  const { parsed } = read;
  if (!delivery.isFresh()) return { next: 'abandoned' };
  if (read.ended !== undefined) return endAgain(read.ended, read, delivery, pipeline);
  if (read.isErased) return settleWithoutUser(superseded('deletion'), read, delivery, pipeline);
  if (delivery.isHeldByChild === true)
    return settleWithoutUser(failed('retries-exhausted', CHILD_FAILED), read, delivery, pipeline);
  if (!parsed.ok)
    return settleWithoutUser(failed('invalid-job', parsed.invalid.message), read, delivery, pipeline);
  const { job } = parsed;
  const instance = pipeline.instances.get(job.data.instance);
  const isUnknownGoal = job.name === 'move-user' && !pipeline.instances.has(job.data.toInstance);
  if (instance === undefined || isUnknownGoal) {
    const message = `no such instance (known: ${[...pipeline.instances.keys()].join(', ')})`;
    return settleWithoutUser(failed('unknown-instance', message), read, delivery, pipeline);
  }
  let circuits = circuitsOf(job.name, job.data.instance);
  let suspension: Suspension | undefined;
  if (job.name === 'delete-user') {
    const checked = await checkDeletion(job, read, delivery, pipeline);
    if ('next' in checked) return checked;
    ({ delivery, circuits, suspension } = checked);
  }
  // Its clientId may have another user by now.
  const suspended = suspension?.userId;
  const version = versionOfDelivery(delivery, job.data.occurredAt);
  const address = suspended === undefined ? addressOf(job, instance, pipeline) : { userId: suspended };
  const begun = await pipeline.userState.begin(
    runOf(delivery),
    { name: job.name, version, timestamp: delivery.timestamp, asksFor: job.data.userId },
    instance,
    address,
    circuits,
  );
  switch (begun.is) {
    case 'lost':
      return { next: 'abandoned' };
    case 'blocked':
      return { next: 'blocked', blocked: begun };
    case 'held':
      return { next: 'held', circuit: begun.circuit };
    case 'settled':
      return finish(begun.settled, read, delivery, pipeline);
    case 'locked':
      return carryOut({ job, read, instance, delivery, suspension, address }, begun, pipeline);
  }
}

/** What a deletion is to do; a decision if it is not to run now. */
async function checkDeletion(job: DeleteUserJob, read: ReadJob, delivery: Delivery, pipeline: Pipeline) {
  const { userId, instance } = job.data;
  const checked = await pipeline.deletions.check(runOf(delivery), instance, job.data);
  const { is, requestedAt, dueAt, suspension } = checked;
  if (suspension?.does === 'await') return deferred(AWAIT_DUE, suspension, { job, delivery }, pipeline);
  if (is === 'cancelled' && suspension === undefined)
    return settleWithoutUser(superseded('cancellation', userId), read, delivery, pipeline);
  if (is === 'refused' && suspension?.does !== 'resume')
    return settleWithoutUser(failed('deletion-refused', REFUSED, userId), read, delivery, pipeline);
  const isDue = suspension === undefined || suspension.does === 'delete';
  const circuits = circuitsOf(isDue ? job.name : 'update-user', instance);
  if (is === 'released') circuits.must = circuits.must.filter((circuit) => circuit !== 'deletion-limit');
  const isAskedAgain = requestedAt > delivery.timestamp;
  return {
    delivery: { ...delivery, dueAt, ...(isAskedAgain && { requestedAt }) },
    circuits,
    suspension,
  };
}

/** Does the missing steps of a settled job. */
async function endAgain(kept: StoredOutcome, read: ReadJob, delivery: Delivery, pipeline: Pipeline) {
  const settled = await pipeline.userState.find(delivery.id);
  return finish(settled ?? { kept, user: '', isKept: false, olderFailed: [] }, read, delivery, pipeline);
}

/** Settles a job that locks no user: it is unreadable, or nothing is left to do. */
async function settleWithoutUser(
  outcome: Settled,
  read: ReadJob,
  delivery: Delivery,
  pipeline: Pipeline,
): Promise<Decision> {
  const settlement = settlementOf(outcome, read, delivery, pipeline);
  // A settled job keeps only its ids, which may be too little to find its user.
  const whose = whoseOf(read, delivery, pipeline);
  const settled = await pipeline.userState.settleWithoutUser(runOf(delivery), settlement, whose);
  // Another run may have completed the job before. If not, the next run finds this outcome and publishes it.
  if (!delivery.isFresh()) return { next: 'abandoned' };
  return finish(settled, read, delivery, pipeline);
}

/** The user of an invalid job: its data is erased with that user. */
function whoseOf({ parsed }: ReadJob, delivery: Delivery, pipeline: Pipeline): Whose | undefined {
  const { clientId, userId, occurredAt, instance: name = 'default' } = referenceOf(parsed);
  const instance = pipeline.instances.get(name);
  if (instance === undefined || (clientId === undefined && userId === undefined)) return undefined;
  // A job with a time in the future is erased with its user, too.
  const timestamp = Math.min(delivery.timestamp, pipeline.ports.now());
  return {
    instance,
    address: { clientId, userId },
    version: versionOf({ ...delivery, timestamp, occurredAt }),
  };
}

function addressOf({ name, data }: UserJob, instance: Instance, { ports }: Pipeline): Address {
  const { clientId, userId } = data;
  if (name !== 'create-user' || clientId === undefined) return { clientId, userId };
  // The user it names is locked later, too: another sign-up of the same clientId must not run at the same time.
  if (userId !== undefined || ports.userIdMode !== 'derived') return { clientId };
  // Jobs that name the user by its future id wait for the same lock.
  return { clientId, userId: deriveUserId(instance, { clientId }), userIdIs: 'derived' };
}

/** An unknown instance name may be personal data, even an email: it must not be logged. */
function knownInstance(name = 'default', { instances }: Pipeline): string {
  return instances.has(name) ? name : 'unknown';
}
