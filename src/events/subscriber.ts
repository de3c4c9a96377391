/**
 * The library of those who listen: takes events off an events queue, each once as far as anybody can tell, and tries again
 * where it is not dealt with. Knows nothing of what is done with an event.
 */
import { createHash } from 'node:crypto';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import { type UserEvent, readEvent } from '../contract/event.ts';
import { type RedisConnection, type RedisTarget, connectRedis } from '../redis/connection.ts';
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
  /** Told of each attempt that has failed, and of faults of the connection (with no event). Default: nobody. */
  onError?: ((error: Error, event?: { id: string; type: string; isGivenUp: boolean }) => void) | undefined;
}

const RETRY = { attempts: 10, firstMs: 1000, lastMs: 600_000 };
const DAY_MS = 24 * 3_600_000;
/** How long a subscriber that does nothing may take to stop, in milliseconds. */
const IDLE_MS = 1000;

/**
 * Receives events until it is closed. An event comes at least once: it is not handed over again once a handler has dealt with
 * it, but for a crash between the handler's end and writing that down. What has failed so often that it is given up stays in the
 * failed set of the queue for 14 days.
 */
export class UserEvents {
  readonly #connection: RedisConnection;
  readonly #worker: Worker;
  readonly #handler: EventHandler;
  readonly #options: UserEventsOptions;
  readonly #retry: typeof RETRY;
  #inFlight = 0;

  constructor(options: UserEventsOptions, handler: EventHandler) {
    const { redis, prefix = '{damoov}', queue = 'user-events', concurrency = 10, lockMs = 30_000 } = options;
    this.#handler = handler;
    this.#options = options;
    this.#retry = { ...RETRY, ...options.retry };
    this.#connection = connectRedis(
      typeof redis === 'string' ? { kind: 'url', url: redis } : redis,
      (state, reason = 'no answer') => {
        if (state === 'lost') options.onError?.(new Error(`Redis is away: ${reason}`));
      },
    );
    this.#worker = new Worker(queue, (job, token, signal) => this.#deliver(job, token, signal), {
      connection: this.#connection,
      prefix,
      concurrency,
      lockDuration: lockMs,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: { backoffStrategy: (attemptsMade) => this.#delayMs(attemptsMade) },
    });
    // While Redis is away the connection has said so once; BullMQ would say it several times a second.
    this.#worker.on('error', (error) => this.#connection.status === 'ready' && options.onError?.(error));
    this.#worker.on('lockRenewalFailed', (ids) =>
      ids.forEach((id) => this.#worker.cancelJob(id, 'lock lost')),
    );
  }

  /**
   * Takes no more events, and lets go. Always resolves; what a handler has not ended by then comes again.
   * @param options `graceMs`: how long handlers may take, in milliseconds. Default 10,000.
   */
  async close({ graceMs = 10_000 }: { graceMs?: number } = {}): Promise<void> {
    // With nothing in flight only a Redis that does not answer takes longer.
    await stopWorker(this.#worker, this.#inFlight === 0 ? Math.min(graceMs, IDLE_MS) : graceMs);
    this.#connection.disconnect();
  }

  async #deliver(job: Job, token = '', signal = new AbortController().signal): Promise<void> {
    // The way of trying again is the subscriber's, whatever the event was published with.
    job.opts.attempts = this.#retry.attempts;
    job.opts.backoff = { type: 'subscriber' };
    const attempt = job.attemptsMade + 1;
    const event = readEvent(job.data);
    if (event === undefined) {
      const error = new UnrecoverableError(`event of job ${job.id}: not one of this version of the contract`);
      this.#options.onError?.(error, { id: job.id ?? '', type: job.name, isGivenUp: true });
      throw error;
    }
    const seen = this.#seenKey(event.id);
    if ((await this.#connection.exists(seen)) === 1) return;
    this.#inFlight += 1;
    try {
      await this.#handler(event, { attempt, signal });
    } catch (error) {
      if (signal.aborted) {
        // What ends because the subscriber does is no failure: another takes it at once.
        await job.moveToDelayed(Date.now(), token);
        throw new DelayedError('given back');
      }
      const isGivenUp = attempt >= this.#retry.attempts;
      const told = error instanceof Error ? error : new Error(String(error));
      this.#options.onError?.(told, { id: event.id, type: event.type, isGivenUp });
      // What a handler says may quote what it was told: only its name is kept in Redis.
      throw new Error(told.name, { cause: error });
    } finally {
      this.#inFlight -= 1;
    }
    await this.#connection.set(seen, '1', 'PX', this.#options.rememberMs ?? DAY_MS);
  }

  #seenKey(eventId: string): string {
    const { prefix = '{damoov}' } = this.#options;
    const hash = createHash('sha256').update(eventId).digest('base64url').slice(0, 22);
    return `${prefix}:seen:${this.#worker.name}:${hash}`;
  }

  #delayMs(attemptsMade: number): number {
    const { firstMs, lastMs } = this.#retry;
    return Math.min(lastMs, firstMs * 2 ** (attemptsMade - 1));
  }
}
