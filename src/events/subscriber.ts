/**
 * The library of those who listen: takes events off an events queue, each once as far as anybody can tell, and tries again
 * where it is not dealt with. Knows nothing of what is done with an event.
 */
import { createHash } from 'node:crypto';
import { DelayedError, type Job, type Telemetry, UnrecoverableError, Worker } from 'bullmq';
import { type UserEvent, readEvent } from '../contract/event.ts';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  connectRedis,
  placeOf,
  withDuplicates,
} from '../redis/connection.ts';
import { type FaultyEvent, type QueueFaults, createQueueFaults } from './queue-faults.ts';
import { tellable } from '../redis/refusal.ts';
import { prefixWarning, requireMs, targetOf } from '../redis/options.ts';
import { reticent } from '../redis/reticent-telemetry.ts';
import { stopWorker } from '../redis/stop-worker.ts';

/** One delivery of an event. */
export interface EventDelivery {
  /** From 1. */
  readonly attempt: number;
  /** Aborted where the subscriber stops, or the delivery may have gone to another one: what goes on may be done twice. */
  readonly signal: AbortSignal;
}

/** Deals with an event; what it throws has the event come again. Narrow by `event.type`. */
export type EventHandler = (event: UserEvent, delivery: EventDelivery) => void | Promise<void>;

export interface UserEventsOptions {
  /** `redis://…` or `rediss://…`, or a cluster or Sentinel by its nodes. */
  redis: string | RedisTarget;
  /** BullMQ's prefix. Default `{damoov}`. */
  prefix?: string | undefined;
  /** The events queue: one a subscribing service, among the worker's `EVENTS_QUEUES`. Default `user-events`. */
  queue?: string | undefined;
  /** Events dealt with at once. Default 10. */
  concurrency?: number | undefined;
  /** How often an event is tried, with how long in between: doubling, in milliseconds. Default 10 times, 1,000 to 600,000. */
  retry?: Partial<{ attempts: number; firstMs: number; lastMs: number }> | undefined;
  /** How long it is remembered that an event was dealt with, in milliseconds, at about 150 bytes of Redis each. Default 24 hours. */
  rememberMs?: number | undefined;
  /** How long a delivery stays with a subscriber that gives no sign of life, in milliseconds. Default 30,000. */
  lockMs?: number | undefined;
  /** BullMQ's own, such as `bullmq-otel` makes it: deals with each event in the trace of its job. Default: none. */
  telemetry?: Telemetry | undefined;
  /**
   * Told of each attempt that has failed, with what the handler has thrown; of an event that this subscriber may have lost to another
   * one, with a DeliveryLostError; and, with no event and once each, of a Redis that is away (RedisAwayError) or refuses
   * (RedisRefusedError). Must not throw. Default: nobody is told.
   */
  onError?: ((error: Error, event?: FaultyEvent) => void) | undefined;
}

const RETRY = { attempts: 10, firstMs: 1000, lastMs: 600_000 };
const DAY_MS = 24 * 3_600_000;
/** How long a subscriber that does nothing may take to stop, in milliseconds. */
const IDLE_MS = 1000;

/** Can be let go of while its own close waits for a Redis that is away. */
class EventWorker extends Worker {
  abandon(): void {
    void this.lockManager.close();
    // Its own close ends the timer of the next look for stalled jobs last of all, once every handler has ended.
    void this.pause(true);
  }
}

/**
 * Receives events until it is closed. An event comes at least once: it is not handed over again once a handler has dealt with
 * it, but for a crash, or an outage longer than its lock, between the handler's end and writing that down. What has failed so often that it is given up stays in the
 * failed set of the queue for 14 days.
 */
export class UserEvents implements AsyncDisposable {
  readonly #connection: RedisConnection;
  readonly #worker: EventWorker;
  readonly #handler: EventHandler;
  readonly #options: UserEventsOptions;
  readonly #retry: typeof RETRY;
  readonly #letGo: () => void;
  readonly #faults: QueueFaults;
  #inFlight = 0;
  #isClosing = false;

  /** @throws TypeError for options that cannot be meant. */
  constructor(options: UserEventsOptions, handler: EventHandler) {
    const { prefix = '{damoov}', queue = 'user-events', concurrency = 10, lockMs = 30_000 } = options;
    const { attempts = RETRY.attempts, firstMs = RETRY.firstMs, lastMs = RETRY.lastMs } = options.retry ?? {};
    for (const [name, ms] of Object.entries({ lockMs, firstMs, lastMs })) requireMs(name, ms);
    if (queue === 'none')
      throw new TypeError('queue: none is no queue; with EVENTS_QUEUES=none no events are published');
    if (queue === 'user-jobs')
      throw new TypeError('queue: user-jobs has the jobs of the workers, and no events');
    if (typeof handler !== 'function') throw new TypeError('handler: must be a function that takes an event');
    const { telemetry } = options;
    const ofPrefix = prefixWarning('prefix', prefix);
    if (ofPrefix !== undefined) process.emitWarning(ofPrefix);
    this.#handler = handler;
    this.#options = options;
    this.#retry = { attempts, firstMs, lastMs };
    const target = targetOf(options.redis);
    this.#connection = connectRedis(target, (state, reason = 'no answer') => {
      if (state === 'lost' && !this.#isClosing)
        this.#tell(new RedisAwayError(reason, false, placeOf(target)));
    });
    this.#letGo = withDuplicates(this.#connection);
    try {
      this.#worker = new EventWorker(queue, (job, token, signal) => this.#deliver(job, token, signal), {
        connection: this.#connection,
        prefix,
        concurrency,
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        settings: { backoffStrategy: (attemptsMade) => this.#delayMs(attemptsMade) },
        ...(telemetry !== undefined && { telemetry: reticent(telemetry) }),
      });
    } catch (error) {
      // Else it would keep a process that nobody can close it in.
      this.#connection.disconnect();
      throw error;
    }
    this.#faults = createQueueFaults((error, event) => {
      if (!this.#isClosing) this.#tell(error, event);
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
   * Takes no more events, and lets go. Always resolves; what a handler has not ended by then comes again.
   * @param options `graceMs`: how long handlers may take, in milliseconds. Default 10,000.
   */
  async close({ graceMs = 10_000 }: { graceMs?: number } = {}): Promise<void> {
    this.#isClosing = true;
    // With nothing in flight only a Redis that does not answer takes longer.
    await stopWorker(this.#worker, this.#inFlight === 0 ? Math.min(graceMs, IDLE_MS) : graceMs);
    this.#worker.abandon();
    this.#letGo();
  }

  /** `await using events = new UserEvents(…)` closes it where its block ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #deliver(job: Job, token = '', signal = new AbortController().signal): Promise<void> {
    // The way of trying again is the subscriber's, whatever the event was published with.
    job.opts.attempts = this.#retry.attempts;
    job.opts.backoff = { type: 'subscriber' };
    const attempt = job.attemptsMade + 1;
    const event = readEvent(job.data);
    if (event === undefined) {
      const error = new UnrecoverableError(`event of job ${job.id}: not one of this version of the contract`);
      this.#tell(error, { id: job.id ?? '', type: job.name, isGivenUp: true });
      throw error;
    }
    const seen = this.#seenKey(event);
    // Whether it was dealt with before cannot be asked where Redis refuses that: it may come twice, but it comes.
    if ((await this.#connection.exists(seen).catch(() => 0)) === 1) return;
    const jobId = job.id ?? '';
    this.#inFlight += 1;
    this.#faults.begin(jobId, { id: event.id, type: event.type });
    try {
      await this.#handler(event, { attempt, signal });
    } catch (error) {
      if (signal.aborted) {
        // What ends because the subscriber does is no failure: another takes it at once.
        await job.moveToDelayed(Date.now(), token);
        this.#faults.forget(jobId);
        throw new DelayedError('given back');
      }
      const isGivenUp = attempt >= this.#retry.attempts;
      const told = error instanceof Error ? error : new Error(String(error));
      this.#tell(told, { id: event.id, type: event.type, isGivenUp });
      // What a handler says may quote what it was told: only its name is kept in Redis.
      throw new Error(told.name, { cause: error });
    } finally {
      this.#inFlight -= 1;
      this.#faults.end(jobId);
    }
    try {
      await this.#connection.set(seen, '1', 'PX', this.#options.rememberMs ?? DAY_MS);
    } catch (error) {
      // That it cannot be remembered is no fault of the handler: the event is dealt with.
      this.#tell(tellable(error), { id: event.id, type: event.type, isGivenUp: false });
    }
  }

  /** What is thrown by whoever is told must neither end the process nor pass for a fault of the handler. */
  #tell(error: unknown, event?: FaultyEvent): void {
    try {
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)), event);
    } catch {
      process.emitWarning('onError of UserEvents has thrown');
    }
  }

  #seenKey({ source, id }: UserEvent): string {
    const { prefix = '{damoov}' } = this.#options;
    const hash = createHash('sha256').update(`${source} ${id}`).digest('base64url').slice(0, 22);
    return `${prefix}:seen:${this.#worker.name}:${hash}`;
  }

  #delayMs(attemptsMade: number): number {
    const { firstMs, lastMs } = this.#retry;
    return Math.min(lastMs, firstMs * 2 ** (attemptsMade - 1));
  }
}
