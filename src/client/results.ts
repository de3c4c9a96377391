/**
 * Waits until jobs end: listens to the queue's events and polls in case one was missed.
 */
import { EventEmitter, once } from 'node:events';
import { type Queue, QueueEvents } from 'bullmq';
import { z } from 'zod';
import type { JobResult } from '../contract/event.ts';
import { MsOrEver, checkedOptions, objectWith } from '../damoov/checked-options.ts';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  connectRedis,
  isLostConnection,
  placeOf,
  withDuplicates,
} from '../redis/connection.ts';
import { RedisRefusedError, redacted } from '../redis/refusal.ts';
import { readEnd } from './job-result.ts';
import { ClosedError } from './redis-link.ts';

/** The job did not end in time. It still runs, and its event is published. */
export class ResultTimeoutError extends Error {
  override readonly name = 'ResultTimeoutError';
}

export interface ResultOptions {
  /** How long to wait, in milliseconds; 0: one check; Infinity: for ever. Default 30,000. */
  timeoutMs?: number | undefined;
  /** Ends the wait early, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

const WaitOptions = z.strictObject({
  timeoutMs: MsOrEver.default(30_000),
  signal: objectWith<AbortSignal>('aborted').optional(),
} satisfies Record<keyof ResultOptions, z.ZodType>);

/** Polling delays in milliseconds: the first, then doubled up to the last. */
const LOOK_MS = { first: 100, last: 2000 };
/** Minimum time for a check, in milliseconds, so that a caller with timeout 0 gets the result of an ended job. */
const ONE_LOOK_MS = 800;
/** How long to listen to the queue's events after the last waiting caller, in milliseconds. */
const LISTENS_MS = 1000;

export interface ResultsOptions {
  queue: Queue;
  /** For keys of our own. */
  connection: RedisConnection;
  /** The target of its own connection, which opens with the first waiting caller. */
  target: RedisTarget;
  /** Calls the queue; throws if Redis is away, or refuses. */
  ask?: <T>(work: () => Promise<T>) => Promise<T>;
}

export class Results {
  readonly #options: ResultsOptions;
  readonly #ends = new EventEmitter().setMaxListeners(0);
  readonly #closing = new AbortController();
  #waiting = 0;
  #stopListening: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  /** @throws ResultTimeoutError, ResultUnknownError, RedisAwayError, RedisRefusedError, ClosedError */
  async of(id: string, options: ResultOptions = {}): Promise<JobResult> {
    const { timeoutMs, signal } = checkedOptions(WaitOptions, options);
    signal?.throwIfAborted();
    const closed = this.#closing.signal;
    if (closed.aborted) throw new ClosedError();
    const lateAt = performance.now() + timeoutMs;
    const limit = timeoutMs === Infinity ? [] : [AbortSignal.timeout(Math.max(timeoutMs, ONE_LOOK_MS))];
    const over = AbortSignal.any([closed, ...limit, ...(signal === undefined ? [] : [signal])]);
    const ended = aborted(over);
    let away: RedisAwayError | undefined;
    this.#waiting += 1;
    this.#listen();
    try {
      for (let lookMs = LOOK_MS.first; ; lookMs = Math.min(2 * lookMs, LOOK_MS.last)) {
        const leftMs = Math.ceil(Math.max(0, lateAt - performance.now()));
        const next = AbortSignal.any([over, AbortSignal.timeout(Math.min(lookMs, leftMs))]);
        const woken = once(this.#ends, idEvent(id), { signal: next }).catch(() => {});
        // A silent Redis must not delay a caller whose time is over.
        const end = await Promise.race([this.#look(id), ended]);
        if (end !== 'over') {
          if (end !== undefined && !(end instanceof RedisAwayError)) return end;
          away = end;
        }
        await woken;
        signal?.throwIfAborted();
        if (closed.aborted) throw new ClosedError();
        if (over.aborted || performance.now() >= lateAt) {
          throw away ?? new ResultTimeoutError(`job ${id} has not ended within ${timeoutMs} ms`);
        }
      }
    } finally {
      this.#waiting -= 1;
      // Its sockets would keep the process alive.
      if (this.#waiting === 0) this.#idle = setTimeout(() => this.#stopListening?.(), LISTENS_MS);
    }
  }

  /** Disconnects; waiting callers get a ClosedError. */
  close(): void {
    this.#closing.abort();
    this.#stopListening?.();
  }

  /** Undefined while it has not ended; a RedisAwayError for a transient fault. */
  async #look(id: string): Promise<JobResult | RedisAwayError | undefined> {
    const { queue, connection, target, ask = (work) => work() } = this.#options;
    try {
      return await ask(() => readEnd(queue, connection, id));
    } catch (error) {
      // `close()` rejects all waiting callers itself.
      if (error instanceof ClosedError) return undefined;
      if (error instanceof RedisAwayError && !error.isRefusal) return error;
      const shown = redacted(error);
      if (shown instanceof RedisRefusedError || !isLostConnection(shown)) throw shown;
      return new RedisAwayError('the connection was lost', false, placeOf(target));
    }
  }

  /** Wakes the callers that wait for an ended job. */
  #listen(): void {
    clearTimeout(this.#idle);
    if (this.#stopListening !== undefined) return;
    const { queue, target } = this.#options;
    const connection = connectRedis(target);
    const unlock = withDuplicates(connection);
    const events = new QueueEvents(queue.name, { connection, prefix: queue.opts.prefix ?? '' });
    events.on('error', () => {});
    const wake = ({ jobId }: { jobId: string }) => void this.#ends.emit(idEvent(jobId));
    events.on('completed', wake);
    events.on('failed', wake);
    this.#stopListening = () => {
      this.#stopListening = undefined;
      clearTimeout(this.#idle);
      // A graceful close waits for Redis, which may be down.
      void events.close().catch(() => {});
      unlock();
    };
  }
}

/** A plain id may have a meaning for emitters, such as `error`. */
function idEvent(jobId: string): string {
  return `job ${jobId}`;
}

async function aborted(signal: AbortSignal): Promise<'over'> {
  if (!signal.aborted) await once(signal, 'abort');
  return 'over';
}
