/**
 * The library of those who ask: adds user lifecycle jobs, and tells how they ended. Checks everything before it adds; knows
 * nothing of how a job is carried out.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { type BulkJobOptions, Queue, SpanKind, type Telemetry } from 'bullmq';
import { z } from 'zod';
import { fewAtATime, readJob } from '../bullmq/read-job.ts';
import type { JobResult } from '../contract/event.ts';
import type { RedisTarget } from '../redis/connection.ts';
import {
  type Cancellation,
  type DeletionOf,
  type Deletions,
  type Scheduled,
  createDeletions,
} from '../store/deletions/deletions.ts';
import { BULK_PRIORITY } from '../contract/bulk-priority.ts';
import { isKeyedJobId } from '../contract/keyed-job-id.ts';
import { MsOrEver, callback, checkedOptions, objectWith, wholeNumber } from '../damoov/checked-options.ts';
import { tellCaller } from './call-listener.ts';
import { Prefix, QueueName, RedisPlace, TelemetryOption, prefixWarning } from '../redis/options.ts';
import { reticent } from '../bullmq/redacting-telemetry.ts';
import { createCallOrder } from './call-order.ts';
import { type RedisLink, openRedisLink } from './redis-link.ts';
import {
  type CheckedJob,
  type CreateUser,
  type DeleteUser,
  type Due,
  type UpdateUser,
  InvalidJobError,
  checked,
  dueAtOf,
  jobIdOf,
  refuseUnknown,
  refuseQueueKey,
} from './requests.ts';
import { type ResultOptions, type Results, createResults } from './results.ts';

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
   * BullMQ's own, such as `bullmq-otel` makes it: a job is carried out in the trace of the call that added it; a deferred deletion
   * begins one of its own when it is due. Default: none.
   */
  telemetry?: Telemetry | undefined;
  /** Told what the operator of this Redis should know. Default: a warning of the process. */
  onWarning?: ((message: string) => unknown) | undefined;
}

const Options = z.strictObject({
  redis: RedisPlace,
  prefix: Prefix,
  queue: QueueName.default('user-jobs'),
  failAfterMs: MsOrEver.default(800),
  telemetry: TelemetryOption,
  onWarning: callback<(message: string) => unknown>().default(() => (message: string) => {
    process.emitWarning(message);
  }),
} satisfies Record<keyof UserJobsOptions, z.ZodType>);

export interface AddOptions {
  /**
   * The same key adds the same request once: give one where you may call again without knowing how the first call ended. Another
   * request under it is another job (`occurredAt` and `correlationId` aside). It holds until the job has ended, and for 24 hours more:
   * what is asked for again ends as it did the first time, and nothing is carried out. A job that failed holds it while it is kept.
   * Default: an own key each call, under which a lost answer is asked for again.
   */
  idempotencyKey?: string | undefined;
  /** One of many, which can wait: workers take it once no job without this waits. Default false. `createMany` adds all so. */
  isBulk?: boolean | undefined;
}

/** A job that lies in the queue. */
export interface AddedJob {
  readonly id: string;
  /**
   * Waits for its end: type and data of its event. A job that failed is a result too, `user.failed`; it has spent its attempts.
   * @throws ResultTimeoutError, ResultUnknownError, RedisRefusedError, ClosedError; RedisAwayError at once where Redis refuses the user,
   * the password or the database, and where it is still away once the time is over.
   */
  result(options?: ResultOptions): Promise<JobResult>;
}

/** A deletion that is pending. `exists`: it was pending already, and is due when it was; `moved`: it is due now when asked. */
export type ScheduledDeletion = AddedJob & {
  readonly is: Scheduled['is'];
  readonly dueAt: Date;
  /** When it was asked for last. */
  readonly requestedAt: Date;
};

/** A sign-up of `createMany`, which may bear its key. */
export type CreateUserRow = CreateUser & Pick<AddOptions, 'idempotencyKey'>;

export interface CreateManyOptions {
  /** Jobs that go to Redis in one piece, 10,000 at most. Default 500. */
  chunkSize?: number | undefined;
  /** Waits while so many jobs of the queue are waiting or under way. Default: no limit. */
  maxWaiting?: number | undefined;
  /** Told of each row that is no valid sign-up, and skipped. Without it such a row ends the call. */
  onInvalid?: ((error: InvalidJobError) => unknown) | undefined;
  /**
   * Told after each chunk: the ids of its jobs, in the order of its rows, and how many were added so far. Where the call ends early,
   * these are in the queue, and no others but perhaps those of one chunk more.
   */
  onChunk?: ((jobIds: readonly string[], added: number) => unknown) | undefined;
  /** Stops between two chunks, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

const ManyOptions = z.strictObject({
  chunkSize: wholeNumber(1, 10_000).default(500),
  maxWaiting: z
    .custom<number>(
      (value) => typeof value === 'number' && value >= 1,
      'must be a number from 1, or Infinity',
    )
    .default(Infinity),
  onInvalid: callback<NonNullable<CreateManyOptions['onInvalid']>>().optional(),
  onChunk: callback<NonNullable<CreateManyOptions['onChunk']>>().optional(),
  signal: objectWith<AbortSignal>('aborted').optional(),
} satisfies Record<keyof CreateManyOptions, z.ZodType>);

/** How often a queue that is full is looked at, in milliseconds. */
const LOOK_MS = 100;
/** How many jobs are looked for at once. */
const LOOKS_AT_ONCE = 100;
/** How long a chunk may take, in milliseconds: it is more than one job. */
const CHUNK_MS = 10_000;

/**
 * Adds user lifecycle jobs to the queue of the workers. One for a process is enough; it connects at once and by itself again. A process
 * that has nothing else to do ends, also without `close()`.
 *
 * Every method throws an InvalidJobError for what no worker would carry out, and a RedisAwayError within `failAfterMs` where
 * Redis cannot be reached (a chunk of many may take ten seconds where Redis has fallen silent, and a result is waited for), and a RedisRefusedError for what Redis
 * refuses, as when it is full, and a ClosedError after `close()`: nothing is kept to be sent later. A job that was added counts from the time of its call, so that
 * the calls for one user are carried out in their order.
 */
export class UserJobs implements AsyncDisposable {
  readonly #link: RedisLink;
  readonly #queue: Queue;
  readonly #deletions: Deletions;
  readonly #results: Results;
  readonly #order = createCallOrder(Date.now);
  readonly #telemetry: Telemetry | undefined;

  /** @throws TypeError for options that cannot be meant. */
  constructor(options: UserJobsOptions) {
    const { redis, prefix, queue, failAfterMs, telemetry, ...callbacks } = checkedOptions(Options, options);
    const onWarning = (message: string) =>
      void tellCaller('onWarning of UserJobs', () => callbacks.onWarning(message));
    const ofPrefix = prefixWarning('prefix', prefix);
    if (ofPrefix !== undefined) onWarning(ofPrefix);
    this.#link = openRedisLink(redis, { failAfterMs, onWarning });
    // All three: with fewer of them a queue made while Redis is away hangs, or fails for good. The worker writes the metadata.
    const impatient = { skipWaitingForReady: true, skipVersionCheck: true, skipMetasUpdate: true };
    this.#telemetry = telemetry && reticent(telemetry);
    const traced = this.#telemetry && { telemetry: this.#telemetry };
    this.#queue = new Queue(queue, { connection: this.#link.connection, prefix, ...impatient, ...traced });
    this.#queue.on('error', () => {});
    this.#deletions = createDeletions({ jobs: this.#queue, prefix });
    this.#results = createResults({
      queue: this.#queue,
      connection: this.#link.connection,
      target: redis,
      ask: (work) => this.#link.call(work, { isRead: true }),
    });
  }

  /** Has a user exist: makes one, or finds the one of this clientId. */
  async create(user: CreateUser, options: AddOptions = {}): Promise<AddedJob> {
    return this.#add(checked('create-user', user), options);
  }

  /** Changes some fields of a user. */
  async update(change: UpdateUser, options: AddOptions = {}): Promise<AddedJob> {
    return this.#add(checked('update-user', change), options);
  }

  /**
   * Has a user deleted, for ever, at once or when it is due. A user has one pending deletion: a second request answers with that
   * one, and counts as asked for anew.
   * @param due `reschedules`: the one that is pending is moved to this time; `too-late` where it is being carried out.
   */
  delete(user: DeleteUser, due: Due & { reschedules: true }): Promise<ScheduledDeletion | 'too-late'>;
  delete(user: DeleteUser, due?: Due): Promise<ScheduledDeletion>;
  async delete(
    user: DeleteUser,
    { reschedules = false, ...due }: Due & { reschedules?: boolean } = {},
  ): Promise<ScheduledDeletion | 'too-late'> {
    const dueAt = dueAtOf(due, Date.now());
    checked('delete-user', user);
    const requestedAt = this.#order.stampOf(user);
    const scheduled = await this.#traced((trace) =>
      this.#link.call(() => this.#deletions.schedule(user, dueAt, { reschedules, requestedAt, trace }), {
        isRepeatable: true,
      }),
    );
    return scheduled === 'too-late' ? scheduled : this.#scheduled(scheduled);
  }

  /**
   * Moves the deletion that is pending, and makes none. Name the user as the request for the deletion did.
   * @returns `too-late`: it is being carried out; `done`: it was carried out; `none`: there is none.
   */
  async rescheduleDeletion(
    user: DeletionOf,
    due: Due,
  ): Promise<ScheduledDeletion | Exclude<Cancellation, 'cancelled'>> {
    if (due.in === undefined && due.at === undefined)
      throw new InvalidJobError('in, at: one of them is needed');
    const dueAt = dueAtOf(due, Date.now());
    checked('delete-user', user);
    const answer = await this.#link.call(() => this.#deletions.reschedule(user, dueAt), {
      isRepeatable: true,
    });
    return typeof answer === 'string' ? answer : this.#scheduled(answer);
  }

  /**
   * Cancels every deletion of the user that was requested before, whichever BullMQ client has added it. Name the user by the ids that
   * the requests named; both where both are known. Asked again it answers the same.
   * @returns `cancelled`: nothing is deleted; `too-late`: the user may have been deleted; `done`: it was; `none`: no deletion was known
   * to be pending, and one that was requested before is not carried out.
   */
  async cancelDeletion(user: DeletionOf): Promise<Cancellation> {
    checked('delete-user', user);
    return this.#link.call(() => this.#deletions.cancel(user), { isRepeatable: true });
  }

  /**
   * Adds many sign-ups, some at a time, in bounded memory: it reads on only once those before are in the queue. Workers take them once no
   * other job waits, as with `isBulk`. Where Redis goes away
   * it fails like every other call; rows with an `idempotencyKey` can then simply be given again.
   * @param users each row a sign-up, which may bear its `idempotencyKey`.
   * @returns how many were added; `repeated`: how many were not, as the queue has a job of the same key and request (one that another
   * process adds at the same moment may count as added by both); `invalid`: how many were skipped.
   */
  async createMany(
    users: Iterable<CreateUserRow> | AsyncIterable<CreateUserRow>,
    options: CreateManyOptions = {},
  ): Promise<{ added: number; repeated: number; invalid: number }> {
    const { chunkSize, maxWaiting, onInvalid, onChunk, signal } = checkedOptions(ManyOptions, options);
    const done = { added: 0, repeated: 0, invalid: 0 };
    let chunk: JobToAdd[] = [];
    const flush = async () => {
      signal?.throwIfAborted();
      if (chunk.length === 0) return;
      if (maxWaiting !== Infinity) await this.#room(maxWaiting, signal);
      const jobs = chunk;
      chunk = [];
      const added = await this.#countNew(jobs);
      await this.#link.call(() => this.#queue.addBulk(jobs), { withinMs: CHUNK_MS, isRepeatable: true });
      done.added += added;
      done.repeated += jobs.length - added;
      await onChunk?.(
        jobs.map(({ opts }) => opts.jobId),
        done.added,
      );
    };
    let index = 0;
    for await (const row of users) {
      try {
        const { idempotencyKey, ...user } = requireRow(row, index);
        chunk.push(this.#jobOf(checked('create-user', user, index), { idempotencyKey, isBulk: true }, index));
      } catch (error) {
        if (onInvalid === undefined || !(error instanceof InvalidJobError)) throw error;
        done.invalid += 1;
        await onInvalid(error);
      }
      index += 1;
      if (chunk.length >= chunkSize) await flush();
      else if (index % chunkSize === 0) await letOthersGoOn(signal);
    }
    await flush();
    return done;
  }

  /**
   * A job that was added before, by its id: to wait for its end.
   * @throws InvalidJobError for the name of a key of BullMQ's own, which is no job.
   */
  job(id: string): AddedJob {
    refuseQueueKey('id', id);
    return { id, result: (options) => this.#results.of(id, options) };
  }

  /** Lets go of Redis; never hangs. Calls under way, and results that are still waited for, fail with a ClosedError. */
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
    await this.#link.call(() => this.#queue.add(name, data, opts), { isRepeatable: true });
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
      // Of an error its name alone passes; a text would not.
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
    const timestamp = this.#order.stampOf(job.data);
    return { ...job, opts: { jobId, timestamp, ...(isBulk && { priority: BULK_PRIORITY }) } };
  }

  #scheduled({ is, jobId, dueAt, requestedAt }: Scheduled): ScheduledDeletion {
    return { ...this.job(jobId), is, dueAt: new Date(dueAt), requestedAt: new Date(requestedAt) };
  }

  /** How many of them the queue does not have: it ignores an id that it has, and does not say so. */
  async #countNew(jobs: readonly JobToAdd[]): Promise<number> {
    const ids = new Set(jobs.map(({ opts }) => opts.jobId));
    const keyed = [...ids].filter(isKeyedJobId);
    if (keyed.length === 0) return ids.size;
    const ask = () => fewAtATime(keyed, LOOKS_AT_ONCE, (id) => readJob(this.#queue, id));
    const found = await this.#link.call(ask, { withinMs: CHUNK_MS, isRead: true });
    return ids.size - found.filter((job) => job !== undefined).length;
  }

  /** Resolves once fewer jobs than that are waiting or under way. */
  async #room(maxWaiting: number, signal: AbortSignal | undefined): Promise<void> {
    const count = () => this.#queue.getJobCountByTypes('waiting', 'prioritized', 'active');
    while ((await this.#link.call(count, { isRead: true })) >= maxWaiting)
      await sleep(LOOK_MS, undefined, { signal }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      });
  }
}

/** What a `UserJobs` does, for a double in the tests of its user. */
export interface UserJobsApi extends Pick<UserJobs, keyof UserJobs> {}

interface JobToAdd {
  name: string;
  data: Record<string, unknown>;
  opts: BulkJobOptions & { jobId: string };
}

/** Whoever reads rows from elsewhere may well be given none. */
function requireRow<Row>(row: Row, index: number): Row {
  if (typeof row === 'object' && row !== null) return row;
  throw new InvalidJobError('must be an object', index);
}

/** Rows that are all invalid add nothing: others would wait until they are through. */
async function letOthersGoOn(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
