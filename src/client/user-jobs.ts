/**
 * The library for producers: adds user lifecycle jobs and returns their results. Every job is checked before it is added.
 */
import { type Queue, SpanKind, type Telemetry } from 'bullmq';
import { z } from 'zod';
import { openQueue } from '../bullmq/open-queue.ts';
import { fewAtATime, readStoredJob } from '../bullmq/read-job.ts';
import type { JobResult } from '../contract/event.ts';
import type { RedisTarget } from '../redis/connection.ts';
import {
  type Cancellation,
  type DeletionOf,
  type Deletions,
  type Scheduled,
  createDeletions,
} from '../store/deletions/deletions.ts';
import { BULK_PRIORITY, isKeyedJobId } from '../contract/job-options.ts';
import { Ms, checkedOptions } from '../damoov/checked-options.ts';
import { Prefix, QueueName, RedisPlace, TelemetryOption, warnOfPrefix } from '../redis/options.ts';
import { redacting } from '../bullmq/redacting-telemetry.ts';
import { createCallOrder } from './call-order.ts';
import { type CreateManyOptions, type CreateUserRow, type JobToAdd, addMany } from './create-many.ts';
import { RedisLink } from './redis-link.ts';
import {
  type AddOptions,
  type CheckedJob,
  type CreateUser,
  type DeleteUser,
  type DeleteOptions,
  type Due,
  type MoveUser,
  type OfUser,
  type UpdateUser,
  InvalidJobError,
  checked,
  parseDeletion,
  parseDue,
  jobIdOf,
  refuseUnknown,
} from './requests.ts';
import { type ResultOptions, Results } from './results.ts';

export interface UserJobsOptions {
  /** `redis://…` or `rediss://…`, or a cluster or Sentinel by its nodes. */
  redis: string | RedisTarget;
  /** BullMQ's prefix. Default `{damoov}`. */
  prefix?: string | undefined;
  /** The jobs queue. Default `user-jobs`. */
  queue?: string | undefined;
  /** How long a call may take, in milliseconds, until it fails with a RedisAwayError. Default 800. */
  failAfterMs?: number | undefined;
  /**
   * BullMQ's own, such as `bullmq-otel`: a job runs in the trace of the call that added it; a deferred deletion begins a new trace when
   * it is due. Default: none.
   */
  telemetry?: Telemetry | undefined;
}

const Options = z.strictObject({
  redis: RedisPlace,
  prefix: Prefix,
  queue: QueueName.default('user-jobs'),
  failAfterMs: Ms.default(800),
  telemetry: TelemetryOption,
} satisfies Record<keyof UserJobsOptions, z.ZodType>);

const REPEATABLE = { isRepeatable: true };

/** A job in the queue. */
export interface AddedJob {
  readonly id: string;
  /**
   * Waits for its end: type and data of its event. A failed job has a result, too: `user.failed`, after its last attempt.
   * @throws ResultTimeoutError, ResultUnknownError, RedisRefusedError, ClosedError; RedisAwayError at once if Redis refuses the user, the
   * password or the database, or at the timeout if it is away.
   */
  result(options?: ResultOptions): Promise<JobResult>;
}

/** A pending deletion. `exists`: it was pending before, with an unchanged due time; `moved`: it has the new due time. */
export type ScheduledDeletion = AddedJob & {
  readonly is: Scheduled['is'];
  readonly dueAt: Date;
  /** The time of its latest request. */
  readonly requestedAt: Date;
};

/** How long a chunk may take, in milliseconds: longer than one job. */
const CHUNK_MS = 10_000;
/** Number of jobs read at once. */
const LOOKS_AT_ONCE = 100;

/**
 * Adds user lifecycle jobs to the queue of the workers. One for a process is enough: it reconnects by itself, and keeps no process alive.
 *
 * Every method throws:
 * - InvalidJobError for a job that no worker would carry out;
 * - RedisAwayError within `failAfterMs` if Redis cannot be reached (`createMany`: within ten seconds; `result` waits);
 * - RedisRefusedError if Redis refuses, for example because it is full;
 * - ClosedError after `close()`.
 *
 * Nothing is kept to be sent later. A job counts from the time of its call, so the calls for one user are carried out in order.
 */
export class UserJobs implements AsyncDisposable {
  readonly #link: RedisLink;
  readonly #queue: Queue;
  readonly #deletions: Deletions;
  readonly #results: Results;
  readonly #order = createCallOrder(Date.now);
  readonly #telemetry: Telemetry | undefined;

  /** @throws TypeError for invalid options. */
  constructor(options: UserJobsOptions) {
    const { redis, prefix, queue, failAfterMs, telemetry } = checkedOptions(Options, options);
    warnOfPrefix(prefix);
    this.#link = new RedisLink(redis, failAfterMs);
    this.#telemetry = telemetry && redacting(telemetry);
    const traced = this.#telemetry && { telemetry: this.#telemetry };
    this.#queue = openQueue(queue, {
      connection: this.#link.connection,
      prefix,
      // With only one of the two, a queue made while Redis is away hangs, or fails for good.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      ...traced,
    });
    this.#deletions = createDeletions({ jobs: this.#queue, prefix });
    this.#results = new Results({
      queue: this.#queue,
      connection: this.#link.connection,
      target: redis,
      ask: (work) => this.#link.call(work, { isRead: true }),
    });
  }

  /** Creates the user, or finds the one with this clientId. */
  async create(user: CreateUser, options: AddOptions = {}): Promise<AddedJob> {
    return this.#add(checked('create-user', user), options);
  }

  /** Changes some fields of a user. */
  async update(change: UpdateUser, options: AddOptions = {}): Promise<AddedJob> {
    return this.#add(checked('update-user', change), options);
  }

  /** Deactivates a user; {@link resume} is the way back. */
  async suspend(user: OfUser, options: AddOptions = {}): Promise<AddedJob> {
    return this.update({ ...user, changes: { status: 'deactivated' } }, options);
  }

  async resume(user: OfUser, options: AddOptions = {}): Promise<AddedJob> {
    return this.update({ ...user, changes: { status: 'active' } }, options);
  }

  /** Moves a user to another configured instance, where newer jobs name it. */
  async move(user: MoveUser, options: AddOptions = {}): Promise<AddedJob> {
    return this.#add(checked('move-user', user), options);
  }

  /**
   * Deletes a user for ever, at once or when due. A user has one pending deletion: a second request returns it and renews its request
   * time. To reschedule it returns `too-late` if it is being carried out.
   */
  delete(
    user: DeleteUser,
    options: DeleteOptions & { reschedules: true },
  ): Promise<ScheduledDeletion | 'too-late'>;
  delete(user: DeleteUser, options?: Omit<DeleteOptions, 'reschedules'>): Promise<ScheduledDeletion>;
  async delete(user: DeleteUser, options: DeleteOptions = {}): Promise<ScheduledDeletion | 'too-late'> {
    const { dueAt, ...more } = parseDeletion(options, Date.now());
    checked('delete-user', user);
    const asked = { ...more, requestedAt: this.#order.nextStamp(user) };
    const scheduled = await this.#traced((trace) =>
      this.#link.call(() => this.#deletions.schedule(user, dueAt, { ...asked, trace }), REPEATABLE),
    );
    return scheduled === 'too-late' ? scheduled : this.#scheduled(scheduled);
  }

  /**
   * Reschedules the pending deletion; never adds one. Name the user as the request for the deletion did.
   * @returns `too-late`: it is being carried out; `done`: it was carried out; `none`: there is none.
   */
  async rescheduleDeletion(
    user: DeletionOf,
    due: Due,
  ): Promise<ScheduledDeletion | Exclude<Cancellation, 'cancelled'>> {
    if (due.in === undefined && due.at === undefined)
      throw new InvalidJobError('in, at: one of them is needed');
    const dueAt = parseDue(due, Date.now());
    checked('delete-user', user);
    const answer = await this.#link.call(() => this.#deletions.reschedule(user, dueAt), REPEATABLE);
    return typeof answer === 'string' ? answer : this.#scheduled(answer);
  }

  /**
   * Cancels every deletion of the user that was requested before, by any BullMQ client. Name the user by the ids of the requests; by both
   * if both are known. Repeated calls answer the same.
   * @returns `cancelled`: nothing is deleted; `too-late`: the user may have been deleted; `done`: it was deleted; `none`: no deletion was
   * known to be pending, and an earlier request is not carried out.
   */
  async cancelDeletion(user: DeletionOf): Promise<Cancellation> {
    checked('delete-user', user);
    return this.#link.call(() => this.#deletions.cancel(user), REPEATABLE);
  }

  /**
   * Adds many sign-ups in chunks, in bounded memory: reads on only once the previous rows are in the queue. Workers take them when no
   * other job waits, as with `isBulk`. If Redis goes away, it fails like every other call; rows with an `idempotencyKey` can then be
   * passed again.
   * @param users one sign-up per row, each with an optional `idempotencyKey`.
   * @returns how many were added; `repeated`: how many the queue already had with the same key and request (of parallel calls, both may
   * count such a row as added); `invalid`: how many were skipped.
   */
  async createMany(
    users: Iterable<CreateUserRow> | AsyncIterable<CreateUserRow>,
    options: CreateManyOptions = {},
  ): Promise<{ added: number; repeated: number; invalid: number }> {
    return addMany(users, options, {
      toJob: ({ idempotencyKey, ...user }, index) =>
        this.#jobOf(checked('create-user', user, index), { idempotencyKey, isBulk: true }, index),
      countNew: (jobs) => this.#countNew(jobs),
      add: (jobs) =>
        this.#link.call(() => this.#queue.addBulk(jobs), { withinMs: CHUNK_MS, isRepeatable: true }),
      countWaiting: () =>
        this.#link.call(() => this.#queue.getJobCountByTypes('waiting', 'prioritized', 'active'), {
          isRead: true,
        }),
    });
  }

  /** A previously added job, by its id: to wait for its end. */
  job(id: string): AddedJob {
    return { id, result: (options) => this.#results.of(id, options) };
  }

  /** Disconnects from Redis; never hangs. Active calls and waiting results fail with a ClosedError. */
  async close(): Promise<void> {
    this.#results.close();
    this.#link.close();
  }

  /** `await using users = new UserJobs(…)` closes it where its block ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #add(job: CheckedJob, options: AddOptions): Promise<AddedJob> {
    const { name, data, opts } = this.#jobOf(job, options);
    await this.#link.call(() => this.#queue.add(name, data, opts), REPEATABLE);
    return this.job(opts.jobId);
  }

  /** Adds a deletion within a span, as BullMQ's own `add` does with other jobs. */
  async #traced<T>(add: (trace: string | undefined) => Promise<T>): Promise<T> {
    if (this.#telemetry === undefined) return add(undefined);
    const { tracer, contextManager } = this.#telemetry;
    const current: unknown = contextManager.active();
    const span = tracer.startSpan(
      `add ${this.#queue.name}.delete-user`,
      { kind: SpanKind.PRODUCER },
      current,
    );
    span.setAttributes({ 'bullmq.queue.name': this.#queue.name, 'bullmq.job.name': 'delete-user' });
    const context: unknown = span.setSpanOnContext(current);
    try {
      return await contextManager.with(context, () => add(contextManager.getMetadata(context)));
    } catch (error) {
      // Only the name of an error is recorded, never its text.
      if (error instanceof Error) span.recordException(error);
      throw error;
    } finally {
      span.end();
    }
  }

  #jobOf(job: CheckedJob, options: AddOptions, index?: number): JobToAdd {
    refuseUnknown(options, ['idempotencyKey', 'isBulk']);
    const { idempotencyKey, isBulk = false } = options;
    const jobId = jobIdOf(job, idempotencyKey, index);
    const timestamp = this.#order.nextStamp(job.data);
    return { ...job, opts: { jobId, timestamp, ...(isBulk && { priority: BULK_PRIORITY }) } };
  }

  async #countNew(jobs: readonly JobToAdd[]): Promise<number> {
    const ids = new Set(jobs.map(({ opts }) => opts.jobId));
    const keyed = [...ids].filter(isKeyedJobId);
    if (keyed.length === 0) return ids.size;
    const ask = () => fewAtATime(keyed, LOOKS_AT_ONCE, (id) => readStoredJob(this.#queue, id));
    const found = await this.#link.call(ask, { withinMs: CHUNK_MS, isRead: true });
    return ids.size - found.filter((job) => job !== undefined).length;
  }

  #scheduled({ is, jobId, dueAt, requestedAt }: Scheduled): ScheduledDeletion {
    return { ...this.job(jobId), is, dueAt: new Date(dueAt), requestedAt: new Date(requestedAt) };
  }
}

/** The interface of `UserJobs`, for test doubles. */
export interface UserJobsApi extends Pick<UserJobs, keyof UserJobs> {}
