/**
 * The library for subscribers: delivers each event of a queue, normally once, and retries after a failure.
 */
import { createHash } from 'node:crypto';
import { DelayedError, type Job, type Telemetry, UnrecoverableError } from 'bullmq';
import { z } from 'zod';
import { AbandonableWorker } from '../bullmq/protected-members.ts';
import { type UserEvent, readEvent } from '../contract/event.ts';
import { Ms, callback, checkedOptions, wholeNumber } from '../damoov/checked-options.ts';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  connectRedis,
  placeOf,
  withDuplicates,
} from '../redis/connection.ts';
import { type FaultyEvent, type QueueFaults, createQueueFaults } from './queue-faults.ts';
import { redacted } from '../redis/refusal.ts';
import { Prefix, QueueName, RedisPlace, TelemetryOption, warnOfPrefix } from '../redis/options.ts';
import { redacting } from '../bullmq/redacting-telemetry.ts';
import { stopWorker } from '../bullmq/stop-worker.ts';

/** One delivery of an event. */
export interface EventDelivery {
  /** From 1. */
  readonly attempt: number;
  /** Aborted if the subscriber stops or may have lost the delivery to another one; further work may then be done twice. */
  readonly signal: AbortSignal;
}

/** Processes an event; if it throws, the event is delivered again. Narrow by `event.type`. */
export type EventHandler = (event: UserEvent, delivery: EventDelivery) => void | Promise<void>;

export interface UserEventsOptions {
  /** `redis://…` or `rediss://…`, or a cluster or Sentinel by its nodes. */
  redis: string | RedisTarget;
  /** BullMQ's prefix. Default `{damoov}`. */
  prefix?: string | undefined;
  /** The events queue: one of the worker's `EVENTS_QUEUES` for each subscribing service. Default `user-events`. */
  queue?: string | undefined;
  /** Events processed in parallel. Default 10. */
  concurrency?: number | undefined;
  /** Number of attempts, and the delays in between, which double, in milliseconds. Default 10 times, 1,000 to 600,000. */
  retry?: Partial<{ attempts: number; firstMs: number; lastMs: number }> | undefined;
  /** How long a processed event is remembered, in milliseconds, at about 150 bytes of Redis each. Default 24 hours. */
  rememberMs?: number | undefined;
  /** Duration of the lock on a delivery without renewal, in milliseconds. Default 30,000. */
  lockMs?: number | undefined;
  /** BullMQ's own, such as `bullmq-otel`: processes each event in the trace of its job. Default: none. */
  telemetry?: Telemetry | undefined;
  /**
   * Called for each failed attempt, with the error of the handler; with a DeliveryLostError for an event that this subscriber may have
   * lost to another one; and once without an event if Redis is away (RedisAwayError) or refuses (RedisRefusedError). Must not throw.
   * Default: none.
   */
  onError?: ((error: Error, event?: FaultyEvent) => unknown) | undefined;
}

const DAY_MS = 24 * 3_600_000;
const Wait = wholeNumber(0);
const Options = z.strictObject({
  redis: RedisPlace,
  prefix: Prefix,
  queue: QueueName.refine(
    (name) => name !== 'none',
    'none is no queue; with EVENTS_QUEUES=none no events are published',
  )
    .refine((name) => name !== 'user-jobs', 'user-jobs is the jobs queue and has no events')
    .default('user-events'),
  concurrency: wholeNumber(1, 10_000).default(10),
  retry: z
    .strictObject({
      attempts: wholeNumber(1, 1_000_000).default(10),
      firstMs: Wait.default(1000),
      lastMs: Wait.default(600_000),
    })
    .prefault({}),
  // Redis accepts no fractions of a millisecond.
  rememberMs: wholeNumber(1, 1e12).default(DAY_MS),
  // A shorter lock is lost before it is renewed.
  lockMs: wholeNumber(100).default(30_000),
  telemetry: TelemetryOption,
  onError: callback<NonNullable<UserEventsOptions['onError']>>().optional(),
  handler: callback<EventHandler>('must be a function that takes an event'),
} satisfies Record<keyof UserEventsOptions | 'handler', z.ZodType>);
const CloseOptions = z.strictObject({ graceMs: Ms.default(10_000) });
/** How long an idle subscriber may take to stop, in milliseconds. */
const IDLE_MS = 1000;

/**
 * Receives events until it is closed. Delivery is at least once: after a handler succeeded, the event is delivered again only after a
 * crash, or an outage longer than its lock, before the success is stored. A dead letter stays in the failed set of the queue for 14 days.
 */
export class UserEvents implements AsyncDisposable {
  readonly #connection: RedisConnection;
  readonly #worker: AbandonableWorker;
  readonly #options: z.output<typeof Options>;
  readonly #unlock: () => void;
  readonly #faults: QueueFaults;
  #inFlight = 0;
  #isClosing = false;

  /** @throws TypeError for invalid options. */
  constructor(options: UserEventsOptions, handler: EventHandler) {
    this.#options = checkedOptions(Options, { ...options, handler });
    const { redis, prefix, queue, concurrency, lockMs, telemetry } = this.#options;
    warnOfPrefix(prefix);
    this.#connection = connectRedis(redis, (state, reason = 'no answer') => {
      if (state === 'lost' && !this.#isClosing)
        void this.#report(new RedisAwayError(reason, false, placeOf(redis)));
    });
    this.#unlock = withDuplicates(this.#connection);
    this.#worker = new AbandonableWorker(queue, (job, token, signal) => this.#deliver(job, token, signal), {
      connection: this.#connection,
      prefix,
      concurrency,
      lockDuration: lockMs,
      // Redis accepts no fractions of a millisecond.
      stalledInterval: Math.ceil(lockMs / 2),
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: { backoffStrategy: (attemptsMade) => this.#delayMs(attemptsMade) },
      ...(telemetry !== undefined && { telemetry: redacting(telemetry) }),
    });
    this.#faults = createQueueFaults((error, event) => {
      if (!this.#isClosing) void this.#report(error, event);
    });
    this.#worker.on('error', (error) => this.#faults.report(error));
    this.#worker.on('lockRenewalFailed', (ids) => {
      this.#faults.lose(ids);
      ids.forEach((id) => this.#worker.cancelJob(id, 'lock lost'));
    });
    this.#worker.on('completed', ({ id = '' }) => this.#faults.forget(id));
    this.#worker.on('failed', (job) => this.#faults.forget(job?.id ?? ''));
  }

  /**
   * Stops fetching and disconnects. An unfinished event is delivered again.
   * @param options `graceMs`: how long handlers may take, in milliseconds. Default 10,000.
   * @throws TypeError for invalid options, and nothing else.
   */
  async close(options: { graceMs?: number | undefined } = {}): Promise<void> {
    const { graceMs } = checkedOptions(CloseOptions, options);
    this.#isClosing = true;
    // Without active events only a silent Redis takes longer.
    await stopWorker(this.#worker, this.#inFlight === 0 ? Math.min(graceMs, IDLE_MS) : graceMs);
    this.#worker.abandon();
    this.#unlock();
  }

  /** `await using events = new UserEvents(…)` closes it where its block ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #deliver(job: Job, token = '', signal = new AbortController().signal): Promise<void> {
    // The subscriber sets the retry policy, whatever options the event was published with.
    const { handler, rememberMs, retry } = this.#options;
    job.opts.attempts = retry.attempts;
    job.opts.backoff = { type: 'subscriber' };
    const attempt = job.attemptsMade + 1;
    const event = readEvent(job.data);
    if (event === undefined) {
      const error = new UnrecoverableError(`event of job ${job.id}: not one of this version of the contract`);
      void this.#report(error, { id: job.id ?? '', type: job.name, isGivenUp: true });
      throw error;
    }
    const seen = this.#seenKey(event);
    // If Redis refuses the check for a duplicate, the event is delivered: twice is better than never.
    if ((await this.#connection.exists(seen).catch(() => 0)) === 1) return;
    const jobId = job.id ?? '';
    const faulty = { id: event.id, type: event.type, isGivenUp: false };
    this.#inFlight += 1;
    this.#faults.begin(jobId, faulty);
    try {
      await handler(event, { attempt, signal });
    } catch (error) {
      if (signal.aborted) {
        // An event aborted by the shutdown has not failed: another subscriber takes it at once.
        await job.moveToDelayed(Date.now(), token);
        this.#faults.forget(jobId);
        throw new DelayedError('given back');
      }
      const isGivenUp = attempt >= retry.attempts;
      const shown = error instanceof Error ? error : new Error(String(error));
      void this.#report(shown, { ...faulty, isGivenUp });
      // The message of the handler's error may quote the event, so only the name of the error is kept in Redis.
      throw new Error(shown.name, { cause: error });
    } finally {
      this.#inFlight -= 1;
    }
    try {
      await this.#connection.set(seen, '1', 'PX', rememberMs);
    } catch (error) {
      // A failure to remember the event is not the handler's fault: the event counts as processed.
      void this.#report(redacted(error), faulty);
    }
  }

  /** An error of the caller's function, even a later rejection, must not end the process. */
  async #report(error: unknown, event?: FaultyEvent): Promise<void> {
    try {
      await this.#options.onError?.(error instanceof Error ? error : new Error(String(error)), event);
    } catch {
      process.emitWarning('onError of UserEvents has thrown');
    }
  }

  #seenKey({ source, id }: UserEvent): string {
    const { prefix } = this.#options;
    const hash = createHash('sha256').update(`${source} ${id}`).digest('base64url').slice(0, 22);
    return `${prefix}:seen:${this.#worker.name}:${hash}`;
  }

  #delayMs(attemptsMade: number): number {
    const { firstMs, lastMs } = this.#options.retry;
    return Math.min(lastMs, firstMs * 2 ** (attemptsMade - 1));
  }
}
