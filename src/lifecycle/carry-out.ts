/**
 * Carries out one job whose user this run has locked: runs the operation, then settles the job or decides when it runs again.
 */
import type { UserJob } from '../contract/job.ts';
import { type Circuit, type Outcome, type Settled, isSettled } from '../contract/outcome.ts';
import type { Version } from '../contract/version.ts';
import type { DamoovOperation } from '../damoov/errors.ts';
import {
  type Effect,
  type Instance,
  type RecordUpdate,
  type OperationContext,
  type Suspension,
  LOCK_LOST,
} from '../operations/context.ts';
import { classify, describeUnexpected } from './classify.ts';
import { type Delivery, type Pipeline, runOf, versionOfDelivery } from './delivery.ts';
import type { DeletionIds } from './ports/deletion-guard.ts';
import { circuitName } from './ports/circuits.ts';
import type { ReadJob } from './job-data.ts';
import { deferred, untilSuspended } from './suspended-deletion.ts';
import { leaveOpen } from './open-ends.ts';
import { statementOf } from './deletion-receipt.ts';
import { finish, settlementOf } from './settlement.ts';
import { type Failure, takeSteps } from './take-steps.ts';
import type { Address, Begun, DeletionsChange, UserLock, Unchained } from './ports/user-state.ts';
import { type Decision, UnsettledError, failAfterLastAttempt, later } from './decision.ts';
import { watchedClient } from './observed-client.ts';
import type { RunObserver } from './failure-detector.ts';

/** Delay of a job if Damoov answers other workers but not this one; another worker may take it by then. */
const ELSEWHERE_MS = 1000;

/** Another run may have completed the job before this one locked its user. If the job is still in the queue, it runs again. */
const BEGUN_LATE: Effect = {
  outcome: {
    status: 'wait',
    reason: 'the job may have lost its lock before it began',
    delayMs: ELSEWHERE_MS,
  },
};

/** A valid job of a configured instance. */
export interface Readable {
  job: UserJob;
  read: ReadJob;
  instance: Instance;
  delivery: Delivery;
  suspension?: Suspension | undefined;
  address: Address;
}

/** Carries out the job; if the run was a half-open probe, reports its result. */
export async function carryOut(readable: Readable, begun: Taken, pipeline: Pipeline): Promise<Decision> {
  const { job } = readable;
  const { delivery } = readable;
  const seen = pipeline.failureDetector.follow(delivery.id, job.data.instance, begun.passage);
  const attempt = new JobRun(readable, begun, seen, pipeline);
  const decision = await attempt.run().finally(() => begun.user.end());
  for (const circuit of begun.passage.probes) {
    const isRefused = decision.next === 'held' && decision.circuit === circuit;
    if (!isRefused) await pipeline.circuits.probed(runOf(delivery), circuit, seen.hasPassed(circuit));
  }
  return decision;
}

type Taken = Extract<Begun, { is: 'locked' }>;

/** One run. `begun.user` is the user locked last. */
class JobRun {
  readonly #readable: Readable;
  readonly #begun: Taken;
  readonly #seen: RunObserver;
  readonly #pipeline: Pipeline;
  readonly #version: Version;
  #abandoned: Decision = { next: 'abandoned' };
  #isAuthorized = false;
  #found: DeletionIds['also'];

  constructor(readable: Readable, begun: Taken, seen: RunObserver, pipeline: Pipeline) {
    this.#readable = readable;
    this.#begun = begun;
    this.#seen = seen;
    this.#pipeline = pipeline;
    this.#version = versionOfDelivery(readable.delivery, readable.job.data.occurredAt);
  }

  async run(): Promise<Decision> {
    const { job, delivery } = this.#readable;
    const pipeline = this.#pipeline;
    const effect = delivery.isFresh() ? await this.#takeSteps() : BEGUN_LATE;
    if (effect === LOCK_LOST) return this.#abandoned;
    const error = 'error' in effect ? effect.error : undefined;
    const attributed = this.#seen.attribute(effect.outcome, error);
    const { suspension } = this.#readable;
    const outcome =
      suspension?.does === 'suspend'
        ? untilSuspended(attributed)
        : withCreatedUser(failAfterLastAttempt(attributed, delivery.attempt, pipeline.retry), effect);
    const { user } = this.#begun;
    const end = { ...effect, outcome, isAuthorized: this.#isAuthorized };
    const recordUpdate = leaveOpen(job, this.#version, user.record, end, pipeline.ports.now());
    if (!isSettled(outcome)) return this.#unlock(outcome, recordUpdate);
    const readable = { ...this.#readable, found: this.#found };
    return settle(outcome, readable, user, recordUpdate, pipeline).catch((cause: unknown) => {
      throw new UnsettledError('the job could not be settled', { cause });
    });
  }

  async #takeSteps(): Promise<(Effect & Partial<Failure>) | typeof LOCK_LOST> {
    const ended = await takeSteps(this.#readable.job, this.#context());
    if (ended === LOCK_LOST || 'outcome' in ended) return ended;
    return { ...ended, outcome: classify(ended.error, this.#pipeline.outageOf) };
  }

  #context(): OperationContext {
    const { job, instance, delivery, suspension, address } = this.#readable;
    const { ports, instances, instanceNames } = this.#pipeline;
    const begun = this.#begun;
    const { id, timestamp, requestedAt = timestamp, signal } = delivery;
    const watch = {
      maySend: () => begun.user.maySend(),
      isAdminCircuitOpen: begun.passage.open.includes('admin'),
      passed: (circuit: Circuit, operation: DamoovOperation) => this.#seen.passed(circuit, operation),
    };
    return {
      ...ports,
      client: watchedClient(ports.client, watch),
      instance,
      job: { id, timestamp: requestedAt, version: this.#version },
      suspension,
      derivedId: address.userIdIs === 'derived' ? address.userId : undefined,
      record: begun.user.record,
      instances,
      instanceNames,
      lock: (userId) => this.#lockAlso(userId),
      lockClientId: async (clientId, instance) => {
        const name = await begun.user.lockClientId(clientId, instance);
        if (name.is === 'locked') return name.record;
        return name.is === 'blocked' ? 'blocked' : LOCK_LOST;
      },
      authorizeSuspension: async (ids, does, signedUpAt) => {
        const { instance, clientId, userId } = job.data;
        const names = { clientId, userId, also: ids };
        const asked = { does, userId: ids.userId, signedUpAt };
        const { deletions } = this.#pipeline;
        const { lock } = begun.user;
        const answer = await deletions.authorizeSuspension(runOf(delivery), lock, instance, names, asked);
        return answer === 'lost' ? LOCK_LOST : answer;
      },
      authorizeDelete: async (ids, kind) => {
        this.#found = ids;
        const { instance, clientId, userId } = job.data;
        const names = { clientId, userId, also: ids };
        const { deletions } = this.#pipeline;
        const answer = await deletions.authorizeDelete(
          runOf(delivery),
          begun.user.lock,
          instance,
          names,
          kind,
        );
        if (answer === 'lost') return LOCK_LOST;
        this.#isAuthorized = answer === 'go' && kind === 'sends';
        return answer;
      },
      signal,
    };
  }

  async #lockAlso(userId: string): Promise<UserLock | typeof LOCK_LOST> {
    const locked = await this.#begun.user.lockAlso(userId);
    if (locked.is === 'locked') {
      this.#begun.user = locked.user;
      return locked.user;
    }
    if (locked.is === 'blocked') this.#abandoned = { next: 'blocked', blocked: locked };
    return LOCK_LOST;
  }

  /** The job runs again later. */
  async #unlock(outcome: Exclude<Outcome, Settled>, recordUpdate: RecordUpdate): Promise<Decision> {
    const { job, delivery } = this.#readable;
    const { circuits, retry } = this.#pipeline;
    const { status, reason } = outcome;
    const why = { status, reason, at: this.#pipeline.ports.now() };
    if ((await this.#begun.user.unlock(recordUpdate, why)) === 'lost') return { next: 'abandoned' };
    const { suspension } = this.#readable;
    if (outcome.status === 'wait' && suspension?.does === 'suspend' && job.name === 'delete-user') {
      const { until, delayMs } = outcome;
      if (until !== undefined) await this.#pipeline.deletions.noteSuspension(runOf(delivery), until.user);
      const waits =
        until === undefined ? { ...suspension, delayMs } : { does: 'await' as const, dueAt: until.dueAt };
      return deferred(reason, waits, { job, delivery }, this.#pipeline);
    }
    if (outcome.status !== 'held') return later(outcome, delivery.attempt, retry);
    const circuit = circuitName(outcome.circuit, job.data.instance);
    const refused = await circuits.refuse(runOf(delivery), this.#version, { ...outcome, circuit });
    if (refused === 'held') return { next: 'held', circuit, outcome };
    const wait = { status: 'wait', reason: outcome.reason, delayMs: ELSEWHERE_MS } as const;
    return later(wait, delivery.attempt, retry);
  }
}

/** The job failed, and the user exists: its producer gets the id all the same. */
function withCreatedUser(outcome: Outcome, { hasCreated, recordUpdate }: Effect & Partial<Failure>): Outcome {
  const userId = hasCreated === true ? recordUpdate?.record.userId : undefined;
  return outcome.status === 'failed' && userId !== undefined ? { userId, ...outcome } : outcome;
}

/** The old and the new name of a user who was renamed or moved. */
function renamedBy(
  { record, clientId, renamedTo, instance, movedTo }: RecordUpdate,
  ofJob: string,
  { instanceNames }: Pipeline,
): DeletionsChange | undefined {
  if (renamedTo === undefined && movedTo === undefined) return undefined;
  const nameOf = (one: Instance | undefined) => one && instanceNames.get(one.id.toLowerCase());
  const place = nameOf(instance) ?? ofJob;
  const also = { clientId: movedTo === undefined ? (renamedTo ?? undefined) : clientId };
  const there = nameOf(movedTo) ?? place;
  return {
    instance: place,
    clientId,
    userId: record.userId,
    also: { ...also, instance: there },
    is: 'renamed',
  };
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
      const unproven = { ...statementOf(outcome, job, instance, delivery), keyId: pipeline.receiptKeyId };
      pipeline.proveReceipt(unproven);
      statement = unproven;
    } catch (error) {
      fault = `no receipt could be written: ${describeUnexpected(error)}`;
    }
  }
  const settled = await user.settle(
    settlementOf(outcome, read, delivery, pipeline, {
      statement,
      found,
      renamed: renamedBy(recordUpdate, job.data.instance, pipeline),
    }),
    recordUpdate,
  );
  if (settled === 'lost') return { next: 'abandoned' };
  const decision = await finish(settled, read, delivery, pipeline);
  return decision.next === 'complete' && fault !== undefined ? { ...decision, fault } : decision;
}
