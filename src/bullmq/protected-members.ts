/**
 * The protected members of BullMQ that we use, each with its reason. BullMQ's `.d.ts` declares them, but a minor version may change them,
 * so `npm run test:compat` tests the oldest and the newest allowed version.
 */
import { type Job, DelayedError, type JobJson, type Span, Worker } from 'bullmq';
import type { EventData } from '../contract/event.ts';
import { MAX_JOB_BYTES } from '../contract/job.ts';
import { timeFault } from '../contract/timestamp-fault.ts';
import { isRedisFault } from '../redis/refusal.ts';
import { type StoredJob, readStoredJob } from './read-job.ts';

/** A job whose data is still the text stored in Redis. */
export type TextJob = Job<string, EventData>;

/**
 * `lockManager`: a worker's own close waits for Redis, possibly for ever, and stops the timer that renews the locks only at its end. That
 * timer would keep an otherwise finished process alive.
 */
export class AbandonableWorker extends Worker {
  abandon(): void {
    void this.lockManager.close();
    // Its own close stops the stalled-jobs timer last, after every handler has ended.
    void this.pause(true);
  }
}

/**
 * The longest text that is processed, in characters: a job of the largest size that is allowed, encrypted. Encryption spells it as JSON
 * within JSON, with up to six characters for one, and then as base64.
 */
export const LONGEST_TEXT = 8 * MAX_JOB_BYTES + 4096;
/** Any other name may be personal data. BullMQ cannot rename a job, so a failed job with such a name is removed. */
const KEPT_NAME = /^[a-z]+(?:-[a-z]+){0,3}$/;
const LONGEST_NAME = 64;

const MOST_ANCESTORS = 100;

/**
 * `createJob`: leaves a job's data as the text it is; BullMQ's own parse would throw in the fetch, and the job would never end.
 * `handleFailed`: a job that Redis refuses to move on is not charged an attempt.
 */
export class TextJobWorker extends Worker<string, EventData> {
  /** Jobs that BullMQ has marked as failed before they run. */
  readonly #failedByChild = new WeakSet<TextJob>();

  /** The size of data that was dropped at once: several copies of it may not fit into memory. */
  readonly #tooLarge = new WeakMap<TextJob, number>();

  readonly #unkept = new WeakSet<TextJob>();

  protected override createJob(json: JobJson, jobId: string): TextJob {
    // Fetching a job that Redis lost recreates its hash without the fields it was added with.
    const isGone = json.name === undefined;
    const mayKeepName = isGone || (json.name.length <= LONGEST_NAME && KEPT_NAME.test(json.name));
    const name = isGone ? '' : mayKeepName ? json.name : 'unknown';
    const job = super.createJob({ ...json, name, data: 'null' }, jobId);
    const isTooLarge = !isGone && json.data.length > LONGEST_TEXT;
    job.data = isGone || isTooLarge ? '' : json.data;
    if (!mayKeepName) this.#unkept.add(job);
    if (isTooLarge) this.#tooLarge.set(job, Buffer.byteLength(json.data));
    return job;
  }

  mayKeepName(job: TextJob): boolean {
    return !this.#unkept.has(job);
  }

  tooLargeBytesOf(job: TextJob): number | undefined {
    return this.#tooLarge.get(job);
  }

  override async processJob(
    job: TextJob,
    token: string,
    fetchesNext = () => true,
  ): ReturnType<Worker<string, EventData>['processJob']> {
    // BullMQ would fail the job here by itself: no event would be published and its data would stay.
    if (job.deferredFailure) this.#failedByChild.add(job);
    job.deferredFailure = '';
    return super.processJob(job, token, fetchesNext);
  }

  /**
   * A job whose move Redis refuses stays as it is until its lock expires and it is taken again. BullMQ would count an attempt, and fail
   * the job with the last one.
   */
  protected override async handleFailed(
    error: Error,
    job: TextJob,
    token: string,
    fetchesNext?: () => boolean,
    span?: Span,
  ): Promise<TextJob> {
    const shown = isRedisFault(error) ? new DelayedError('Redis refuses') : error;
    return super.handleFailed(shown, job, token, fetchesNext, span);
  }

  /** Whether its child in a flow keeps this job from completing. */
  async isHeldByChild(job: TextJob): Promise<boolean> {
    if (this.#failedByChild.has(job)) return true;
    // A retried job runs like any other, and BullMQ then refuses its completion.
    const hasFailed = (job.stacktrace ?? []).length > 0;
    if (!hasFailed) return false;
    const counts = await job.getDependenciesCount({ failed: true, unprocessed: true }).catch(() => ({}));
    return Object.values(counts).some((count) => count > 0);
  }

  /** When the flow of this job was added: its parent waits for it and was added a moment before. */
  async flowTimestampOf({ parent, timestamp }: TextJob): Promise<number | undefined> {
    let earliest: number | undefined;
    for (let next = parent, depth = 0; next?.id !== undefined && depth < MOST_ANCESTORS; depth += 1) {
      // A parent in another queue has no version that could be older.
      if (next.queueKey !== this.qualifiedName) break;
      const ancestor: StoredJob | undefined = await readStoredJob(this, next.id);
      if (ancestor === undefined) break;
      // Another client may have written anything.
      const isTime = timeFault(ancestor.timestamp, Date.now()) === undefined;
      if (isTime) earliest = Math.min(earliest ?? timestamp, ancestor.timestamp);
      next = ancestor.parent;
    }
    return earliest;
  }
}
