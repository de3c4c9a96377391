/**
 * Carries one job out whose user is this run's: the operation, what its end means, and how it is settled or goes on later.
 */
import type { UserJob } from '../contract/job.ts';
import { type Circuit, type Settled, isSettled } from '../contract/outcome.ts';
import type { DamoovOperation } from '../damoov/errors.ts';
import { type Instance, type RecordUpdate, type OperationContext, LOCK_LOST } from '../operations/context.ts';
import { classify, describeUnexpected } from './classify.ts';
import { type Delivery, type Pipeline, runOf, versionOfDelivery } from './delivery.ts';
import type { DeletionIds } from './ports/deletion-guard.ts';
import { circuitName } from './ports/circuits.ts';
import type { ReadJob } from './job-data.ts';
import { leaveOpen } from './open-ends.ts';
import { statementOf } from './deletion-receipt.ts';
import { finish, settlementOf } from './settlement.ts';
import { takeSteps } from './take-steps.ts';
import type { Begun, UserLock, Unchained } from './ports/user-state.ts';
import { type Decision, UnsettledError, endOfPatience, later } from './decision.ts';
import { watchedClient } from './observed-client.ts';
import type { RunObserver } from './failure-detector.ts';

/** How long a job waits that Damoov does not answer here, while it answers others; another worker may take it then. */
const ELSEWHERE_MS = 1000;

/** A job that is read, of an instance that is known. */
export interface Readable {
  job: UserJob;
  read: ReadJob;
  instance: Instance;
  delivery: Delivery;
}

/** Carries the job out; where the run was to try a circuit for all, says how that went. */
export async function carryOut(readable: Readable, begun: Taken, pipeline: Pipeline): Promise<Decision> {
  const { job } = readable;
  const { delivery } = readable;
  const seen = pipeline.failureDetector.follow(delivery.id, job.data.instance, begun.passage);
  const decision = await attempt(readable, begun, seen, pipeline).finally(() => begun.user.end());
  for (const circuit of begun.passage.probes) {
    const isRefused = decision.next === 'held' && decision.circuit === circuit;
    if (!isRefused) await pipeline.circuits.probed(runOf(delivery), circuit, seen.hasPassed(circuit));
  }
  return decision;
}

type Taken = Extract<Begun, { is: 'locked' }>;

/** Whom it has taken last is `begun.user` from then on. */
async function attempt(
  { job, read, instance, delivery }: Readable,
  begun: Taken,
  seen: RunObserver,
  pipeline: Pipeline,
): Promise<Decision> {
  let abandoned: Decision = { next: 'abandoned' };
  let isAuthorized = false;
  let found: DeletionIds['also'];
  const { id, timestamp, requestedAt = timestamp, signal } = delivery;
  const watch = {
    maySend: () => begun.user.maySend(),
    isAdminCircuitOpen: begun.passage.open.includes('admin'),
    passed: (circuit: Circuit, operation: DamoovOperation) => seen.passed(circuit, operation),
  };
  const context: OperationContext = {
    ...pipeline.ports,
    client: watchedClient(pipeline.ports.client, watch),
    instance,
    job: {
      id,
      timestamp: requestedAt,
      version: versionOfDelivery(delivery, job.data.occurredAt),
    },
    record: begun.user.record,
    instanceNames: pipeline.instanceNames,
    async lock(userId) {
      const locked = await begun.user.lockAlso(userId);
      if (locked.is === 'locked') {
        begun.user = locked.user;
        return locked.user;
      }
      if (locked.is === 'blocked') abandoned = { next: 'blocked', blocked: locked };
      return LOCK_LOST;
    },
    async lockName(clientId) {
      const name = await begun.user.lockName(clientId);
      if (name.is === 'locked') return name.record;
      return name.is === 'blocked' ? 'blocked' : LOCK_LOST;
    },
    async authorizeDelete(ids, kind) {
      found = ids;
      const { instance, clientId, userId } = job.data;
      const names = { clientId, userId, also: ids };
      const answer = await pipeline.deletions.authorizeDelete(
        runOf(delivery),
        begun.user.lock,
        instance,
        names,
        kind,
      );
      if (answer === 'lost') return LOCK_LOST;
      isAuthorized = answer === 'go' && kind === 'sends';
      return answer;
    },
    signal,
  };

  const effect = await takeSteps(job, context).catch((error: unknown) => ({
    outcome: classify(error, pipeline.outageOf),
    error,
  }));
  if (effect === LOCK_LOST) return abandoned;
  const error = 'error' in effect ? effect.error : undefined;
  const outcome = endOfPatience(seen.attribute(effect.outcome, error), delivery.attempt, pipeline.retry);
  const { user } = begun;
  const { version } = context.job;
  const end = { ...effect, outcome, isAuthorized };
  const recordUpdate = leaveOpen(job, version, user.record, end, pipeline.ports.now());
  if (!isSettled(outcome)) {
    if ((await user.unlock(recordUpdate)) === 'lost') return { next: 'abandoned' };
    if (outcome.status !== 'held') return later(outcome, delivery.attempt, pipeline.retry);
    const circuit = circuitName(outcome.circuit, job.data.instance);
    const refused = await pipeline.circuits.refuse(runOf(delivery), version, { ...outcome, circuit });
    if (refused === 'held') return { next: 'held', circuit, outcome };
    const wait = { status: 'wait', reason: outcome.reason, delayMs: ELSEWHERE_MS } as const;
    return later(wait, delivery.attempt, pipeline.retry);
  }
  return settle(outcome, { job, read, instance, delivery, found }, user, recordUpdate, pipeline).catch(
    (cause: unknown) => {
      throw new UnsettledError('the job could not be settled', { cause });
    },
  );
}

/** Settles the job: a deletion with its receipt. A deletion whose receipt cannot be written is reported without. */
async function settle(
  outcome: Settled,
  { job, read, instance, delivery, found }: Readable & { found: DeletionIds['also'] },
  user: UserLock,
  recordUpdate: RecordUpdate,
  pipeline: Pipeline,
): Promise<Decision> {
  let statement: Unchained | undefined;
  let fault: string | undefined;
  if (job.name === 'delete-user' && outcome.status === 'done' && outcome.type === 'user.deleted') {
    try {
      const said = { ...statementOf(outcome, job, instance, delivery), keyId: pipeline.receiptKeyId };
      pipeline.proveReceipt(said);
      statement = said;
    } catch (error) {
      fault = `no receipt could be written: ${describeUnexpected(error)}`;
    }
  }
  const settled = await user.settle(
    settlementOf(outcome, read, delivery, pipeline, { statement, found }),
    recordUpdate,
  );
  if (settled === 'lost') return { next: 'abandoned' };
  const decision = await finish(settled, read, delivery, pipeline);
  return decision.next === 'complete' && fault !== undefined ? { ...decision, fault } : decision;
}
