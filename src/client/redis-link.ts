/**
 * A producer's connection to Redis: a call fails within its time if Redis is away, and succeeds again once it is back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import {
  type RedisConnection,
  type RedisTarget,
  RedisAwayError,
  isLostConnection,
  isUnsent,
  unlock,
  openFailFast,
  placeOf,
} from '../redis/connection.ts';
import { redacted } from '../redis/refusal.ts';

/** The `UserJobs` was closed before or during the call. Redis may be available: create a new one. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
  /** The call may have been carried out: it was sent before `close()` and not answered. */
  readonly mayHaveBeenApplied: boolean;

  constructor(mayHaveBeenApplied = false) {
    const lost = mayHaveBeenApplied ? '; the request may have been carried out' : '';
    super(`this UserJobs is closed${lost}`);
    this.mayHaveBeenApplied = mayHaveBeenApplied;
  }
}

export interface CallOptions {
  /** Maximum duration of the call, in milliseconds. Default: the maximum for connecting. */
  withinMs?: number | undefined;
  /** Whether the call is idempotent and may be repeated after a lost reply. Default false. */
  isRepeatable?: boolean;
  /** Whether the call only reads: it may be repeated, and a lost reply leaves nothing in doubt. Default false. */
  isRead?: boolean;
}

interface Call<T> extends CallOptions {
  work: () => Promise<T>;
  /** The caller no longer waits. */
  over: AbortSignal;
  /** Whether it may have been carried out. */
  wasSent: boolean;
}

/** Nothing reconnects by itself; a cluster whose nodes end one by one may stay `close`. */
const RESTING: ReadonlySet<string> = new Set(['end', 'close']);
/** How long an idle cluster stays connected, in milliseconds. */
const REST_MS = 5000;
/** Interval at which the connection is checked, in milliseconds. */
const LOOK_MS = 10;

export class RedisLink {
  readonly connection: RedisConnection;
  readonly #place: string;
  readonly #failAfterMs: number;
  #reason = 'no answer of a Redis';
  #isClosed = false;
  #underWay = 0;
  #rest: NodeJS.Timeout | undefined;

  /**
   * Begins to connect.
   * @param failAfterMs how long connecting may take, in milliseconds.
   */
  constructor(target: RedisTarget, failAfterMs: number) {
    this.#place = placeOf(target);
    this.#failAfterMs = failAfterMs;
    this.connection = openFailFast(target, {
      isWanted: () => this.#underWay > 0,
      onError: (reason) => {
        // A plain error has no useful name.
        if (reason !== 'Error') this.#reason = reason;
      },
    });
  }

  /**
   * Makes a call once the connection is up.
   * @throws RedisAwayError if that takes too long or the answer is lost; ClosedError; RedisRefusedError; the errors of the call.
   */
  async call<T>(work: () => Promise<T>, options: CallOptions = {}): Promise<T> {
    this.#throwIfClosed(false);
    this.#underWay += 1;
    clearTimeout(this.#rest);
    const over = new AbortController();
    const call: Call<T> = { ...options, work, over: over.signal, wasSent: false };
    const late = sleep(options.withinMs ?? this.#failAfterMs, undefined, { signal: over.signal });
    try {
      const end = await Promise.race([this.#attempt(call), late.catch(() => undefined)]);
      if (end === undefined) throw this.#away(call.wasSent);
      return end.value;
    } finally {
      over.abort();
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#restLater();
    }
  }

  /** Disconnects at once; active calls fail. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#rest);
    unlock(this.connection);
  }

  /** Undefined if the caller no longer waits. */
  async #attempt<T>(call: Call<T>): Promise<{ value: T } | undefined> {
    const { work, over, isRepeatable = false, isRead = false } = call;
    for (;;) {
      await this.#ready(call);
      if (over.aborted) return undefined;
      const wasSentBefore = call.wasSent;
      try {
        call.wasSent = !isRead;
        return { value: await work() };
      } catch (error) {
        if (!isLostConnection(error)) throw redacted(error);
        call.wasSent = wasSentBefore || (!isRead && !isUnsent(error));
        this.#throwIfClosed(call.wasSent);
        this.#reason = 'the connection was lost';
        if (!isRepeatable && call.wasSent) throw this.#away(true);
        // The connection may not know yet that it is lost.
        await sleep(LOOK_MS);
      }
    }
  }

  /** Resolves once commands can be sent, or the caller no longer waits. */
  async #ready({ over, wasSent }: Call<unknown>): Promise<void> {
    const { connection } = this;
    const lateAt = performance.now() + this.#failAfterMs;
    while (connection.status !== 'ready' && !over.aborted) {
      this.#throwIfClosed(wasSent);
      // Without a call the connection does not reconnect. The connection reports why it fails.
      if (RESTING.has(connection.status)) void connection.connect().catch(() => {});
      if (performance.now() >= lateAt) throw this.#away(wasSent);
      await sleep(LOOK_MS);
    }
    this.#throwIfClosed(wasSent);
  }

  /** Disconnects an idle cluster: its sockets would keep the process alive. */
  #restLater(): void {
    const { connection } = this;
    if (connection instanceof Cluster && !this.#isClosed)
      this.#rest = setTimeout(() => connection.disconnect(), REST_MS);
  }

  #away(wasSent: boolean): RedisAwayError {
    return new RedisAwayError(this.#reason, wasSent, this.#place);
  }

  #throwIfClosed(wasSent: boolean): void {
    if (this.#isClosed) throw new ClosedError(wasSent);
  }
}
